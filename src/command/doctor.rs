//! `lunette doctor`: whether partitions can be had here, and how well they will work.

use super::{
    report::{Status, text},
    translate::print,
};
use lunette::{Configuration, Data, Engine, Finding, Home, Program, Rating, Result, Streams, survey};
use std::time::Instant;

/// Looks at the machine and starts a partition; prints what was found.
pub fn examine() -> Status {
    let mut findings = survey();
    findings.push(partition());
    let mut report = String::new();
    let width = findings.iter().map(|finding| finding.topic.len()).max().unwrap_or(0);
    for Finding { topic, rating, text, advice } in &findings {
        let mark = match rating {
            Rating::Good => "ok",
            Rating::Poor => "--",
            Rating::Missing => "!!",
        };
        report += &format!("{mark}  {topic:width$}  {text}\n");
        for line in advice.iter().flat_map(|advice| advice.lines()) {
            report += &format!("    {:width$}  -> {line}\n", "");
        }
    }
    let is_missing = findings.iter().any(|finding| finding.rating == Rating::Missing);
    report += if is_missing { "\nNo partition can be had here.\n" } else { "\nPartitions can be had here.\n" };
    match print(report.as_bytes()) {
        Status::Success if is_missing => Status::Unavailable,
        status => status,
    }
}

/// Runs a line in a partition, as `lunette run --isolate` does.
fn partition() -> Finding {
    let start = Instant::now();
    let topic = "partition";
    match run_a_line() {
        Ok(results) if results == [Data::Integer(42)] => {
            let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
            let text = format!("one was started and has run a line, in {milliseconds:.1} ms");
            Finding { topic, rating: Rating::Good, text, advice: None }
        }
        Ok(_) => {
            let text = "one was started, but computes wrongly".to_owned();
            Finding {
                topic,
                rating: Rating::Missing,
                text,
                advice: Some("this is a fault of Lunette or KVM".to_owned()),
            }
        }
        Err(error) => {
            let error = text(&error);
            let text = format!("none could be started: {}", error.lines().next().unwrap_or_default());
            Finding { topic, rating: Rating::Missing, text, advice: None }
        }
    }
}

fn run_a_line() -> Result<Vec<Data>> {
    let configuration = Configuration::new().home(Home::Partition).monitor("/proc/self/exe");
    let mut tenant = Engine::new(configuration).tenant(Streams::none())?;
    let results = tenant.run(&Program::from_source("return 6 * 7", "=doctor")?, &[])?;
    tenant.close()?;
    Ok(results)
}
