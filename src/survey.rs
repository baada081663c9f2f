//! What the machine offers to partitions.

use lunette_hw_bridge::probe;
use rustix::process::{Resource, getrlimit};
use std::fs;

/// What was found out about one thing that partitions need or use.
///
/// ```
/// for finding in lunette::survey() {
///     println!("{}: {}", finding.topic, finding.text);
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about, in a few words.
    pub topic: &'static str,
    /// How good it is.
    pub rating: Rating,
    /// What was found.
    pub text: String,
    /// How to get something better.
    pub advice: Option<String>,
}

/// How good something is for partitions.
///
/// ```
/// let unfit = lunette::survey().into_iter().any(|finding| finding.rating == lunette::Rating::Missing);
/// # assert!(!unfit);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rating {
    /// As it should be.
    Good,
    /// Partitions work, but not as well as they could.
    Poor,
    /// No partition can be had.
    Missing,
}

/// Looks at the machine. Nothing is started or changed.
///
/// ```
/// let findings = lunette::survey();
/// assert!(findings.iter().any(|finding| finding.topic == "KVM"));
/// ```
pub fn survey() -> Vec<Finding> {
    vec![
        kernel(),
        processors(),
        kind(),
        kvm(),
        large_pages(),
        memory(),
        address_space(),
        locked_memory(),
        descriptors(),
        page_faults(),
    ]
}

fn good(topic: &'static str, text: impl Into<String>) -> Finding {
    Finding { topic, rating: Rating::Good, text: text.into(), advice: None }
}

fn poor(topic: &'static str, text: impl Into<String>, advice: impl Into<String>) -> Finding {
    Finding { topic, rating: Rating::Poor, text: text.into(), advice: Some(advice.into()) }
}

/// A file of the kernel's, as text.
fn content(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

/// The first with this key in lines like `key : value`.
fn value_of(text: &str, key: &str) -> Option<String> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim().to_owned())
}

fn size(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let (shift, unit) = units.into_iter().find(|(shift, _)| bytes >> shift > 0).unwrap_or((0, "bytes"));
    format!("{} {unit}", bytes >> shift)
}

fn kernel() -> Finding {
    let Some(release) = content("/proc/sys/kernel/osrelease") else {
        return poor("kernel", "unknown: /proc is not mounted", "mount it: mount -t proc proc /proc");
    };
    let mut numbers =
        release.split(|character: char| !character.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
    let version: (u32, u32) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version < (6, 7) {
        let advice = "from Linux 6.7 on it tells which pages have changed, and partitions are made as new faster";
        return poor("kernel", format!("Linux {release}"), advice);
    }
    good("kernel", format!("Linux {release}"))
}

fn processors() -> Finding {
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    let information = content("/proc/cpuinfo").unwrap_or_default();
    let model = value_of(&information, "model name").unwrap_or_else(|| "of an unknown model".to_owned());
    good("processors", format!("{count} for this process, {model}"))
}

/// What KVM stands on.
fn kind() -> Finding {
    const TOPIC: &str = "virtualization";
    let information = content("/proc/cpuinfo").unwrap_or_default();
    let flags = value_of(&information, "flags").unwrap_or_default();
    let has = |flag: &str| flags.split(' ').any(|other| other == flag);
    let nested = if has("hypervisor") { ", in a virtual machine itself" } else { "" };
    if fs::exists("/sys/module/kvm_pvm").unwrap_or(false) {
        let advice = "leaving a partition takes about 40 µs; with hardware virtualization it would be 2 µs";
        return poor(TOPIC, format!("without hardware: PVM{nested}"), advice);
    }
    match (has("vmx"), has("svm")) {
        (true, _) => good(TOPIC, format!("hardware: Intel VMX{nested}")),
        (_, true) => good(TOPIC, format!("hardware: AMD SVM{nested}")),
        _ => poor(
            TOPIC,
            format!("the processor offers none{nested}"),
            "turn it on in the firmware, or let the virtual machine have nested virtualization",
        ),
    }
}

fn kvm() -> Finding {
    match probe::kvm() {
        Ok(kvm) if kvm.missing.is_empty() => good("KVM", format!("/dev/kvm may be used, version {}", kvm.version)),
        Ok(kvm) => Finding {
            topic: "KVM",
            rating: Rating::Missing,
            text: format!("/dev/kvm may be used, but has no {}", kvm.missing.join(", no ")),
            advice: Some("a newer kernel has it".to_owned()),
        },
        Err(error) => {
            let error = error.to_string();
            let (text, advice) = error.split_once('\n').unwrap_or((&error, ""));
            Finding {
                topic: "KVM",
                rating: Rating::Missing,
                text: text.to_owned(),
                advice: Some(
                    advice.replace("\n`lunette doctor` tells more.", "").replace(" `lunette doctor` tells more.", ""),
                ),
            }
        }
    }
}

fn large_pages() -> Finding {
    const TOPIC: &str = "transparent huge pages";
    const FILE: &str = "/sys/kernel/mm/transparent_hugepage/enabled";
    let Some(setting) = content(FILE) else {
        return poor(TOPIC, "the kernel has none", "memory that a partition touches first costs more");
    };
    let chosen = setting.split(' ').find_map(|word| word.strip_prefix('[')?.strip_suffix(']')).unwrap_or("unknown");
    if chosen == "never" {
        let advice = format!("memory that a partition touches first costs more; as root: echo madvise > {FILE}");
        return poor(TOPIC, "never", advice);
    }
    good(TOPIC, chosen)
}

/// The control group's limit, of either version of control groups.
fn group_limit() -> Option<u64> {
    let groups = content("/proc/self/cgroup")?;
    let limits = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let file = match controllers {
            "" => format!("/sys/fs/cgroup{path}/memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                format!("/sys/fs/cgroup/memory{path}/memory.limit_in_bytes")
            }
            _ => return None,
        };
        // Without a limit it says `max`, or a number that no machine has.
        content(&file)?.parse::<u64>().ok().filter(|limit| *limit < 1 << 60)
    });
    limits.min()
}

fn memory() -> Finding {
    const TOPIC: &str = "memory";
    let information = content("/proc/meminfo").unwrap_or_default();
    let available = value_of(&information, "MemAvailable");
    let kilobytes = available.and_then(|text| text.trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0);
    let mut text = format!("{} free", size(kilobytes << 10));
    if let Some(limit) = group_limit() {
        text += &format!(", the control group has at most {}", size(limit));
    }
    if content("/proc/sys/vm/overcommit_memory").as_deref() == Some("2") {
        let advice = "partitions reserve more than they use; as root: sysctl vm.overcommit_memory=0";
        return poor(TOPIC, text + ", and what is reserved counts as used", advice);
    }
    good(TOPIC, text)
}

fn address_space() -> Finding {
    const TOPIC: &str = "address space";
    match getrlimit(Resource::As).current {
        Some(limit) => {
            let advice = "partitions reserve more than they use; without a limit: ulimit -v unlimited";
            poor(TOPIC, format!("at most {}", size(limit)), advice)
        }
        None => good(TOPIC, "unlimited"),
    }
}

fn locked_memory() -> Finding {
    let limit = getrlimit(Resource::Memlock).current;
    good(
        "locked memory",
        limit.map_or("unlimited".to_owned(), |limit| format!("at most {}, none is needed", size(limit))),
    )
}

fn descriptors() -> Finding {
    const TOPIC: &str = "open files";
    match getrlimit(Resource::Nofile).current {
        Some(limit @ ..1024) => {
            let advice = "a partition takes three in its monitor's process; more: ulimit -n 4096";
            poor(TOPIC, format!("at most {limit}"), advice)
        }
        Some(limit) => good(TOPIC, format!("at most {limit}")),
        None => good(TOPIC, "unlimited"),
    }
}

fn page_faults() -> Finding {
    const TOPIC: &str = "userfaultfd";
    match probe::userfaultfd() {
        Ok(()) => good(TOPIC, "may be used"),
        Err(error) => {
            let error = error.to_string();
            let reason = error.split(" (os error").next().unwrap_or(&error).to_owned();
            let advice =
                "only moving running instances of the process needs it; as root: sysctl vm.unprivileged_userfaultfd=1";
            poor(TOPIC, reason, advice)
        }
    }
}
