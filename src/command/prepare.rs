//! `lunette template`: an instance in a partition, prepared for others to be cloned from.

use super::{
    arguments::Template,
    files::read,
    grant,
    report::{Status, report},
};
use lunette::{Configuration, Engine, Home, Result};

/// Makes the template and writes it.
pub fn prepare(options: &Template) -> Status {
    match write(options) {
        Ok(()) => Status::Success,
        Err(error) => report(&error),
    }
}

fn write(options: &Template) -> Result<()> {
    let grants = grant::only(&options.directories, &[]);
    let mut configuration = Configuration::new().home(Home::Partition).grants(grants);
    if let Some(bytes) = options.memory {
        configuration = configuration.memory_limit(bytes);
    }
    let template = Engine::new(configuration).template(|tenant| {
        for code in &options.execute {
            tenant.execute_file(code.as_encoded_bytes(), "=(command line)", &[])?;
        }
        for script in &options.scripts {
            let (content, name) = read(script)?;
            tenant.execute_file(content, name, &[])?;
        }
        Ok(())
    })?;
    template.save(&options.output)
}
