//! Programs in partitions that want more than they may have from their owner.
#![cfg(feature = "partitions")]

use lunette::{
    Captured, Configuration, Data, Directory, Engine, Error, Files, Grants, Home, Output, Program, Streams, Tenant,
};

fn tenant(grants: Grants) -> Tenant {
    let engine = Engine::new(Configuration::new().home(Home::Partition).grants(grants));
    engine.tenant(Streams::none()).expect("partitions are tested where KVM is")
}

fn run(tenant: &mut Tenant, source: &str) -> Result<Vec<Data>, Error> {
    tenant.run(&Program::from_source(source, "=program")?, &[])
}

fn only_files(files: Files) -> Grants {
    Grants { files, clock: true, entropy: true, ..Grants::NONE }
}

fn scratch() -> Grants {
    let directory = Directory { host: std::env::temp_dir(), guest: "/tmp".into(), is_writable: true };
    only_files(Files::Directories(vec![directory]))
}

#[test]
fn files_cannot_be_opened_without_end() -> Result<(), Error> {
    let mut tenant = tenant(scratch());
    let source = "
        local open = {}
        while true do
            local file, message, code = io.open('/tmp')
            if not file then
                local count = #open
                for _, file in ipairs(open) do file:close() end
                return count, message, code, io.open('/tmp') ~= nil
            end
            open[#open + 1] = file
        end";
    let results = run(&mut tenant, source)?;
    assert_eq!(results, [253.into(), "/tmp: Too many open files".into(), 24.into(), true.into()]);
    // Descriptors of this process are left for others.
    assert!(std::fs::File::open("/").is_ok());
    Ok(())
}

#[test]
fn what_is_too_large_for_the_wall_is_an_error_of_the_program() -> Result<(), Error> {
    let engine = Engine::new(Configuration::new().home(Home::Partition).memory_limit(200 << 20));
    let mut tenant = engine.tenant(Streams::none())?;
    tenant.function("take", |_| Ok(vec![]))?;
    // Larger than everything that may go out at once.
    for source in [
        "local t = {} for i = 1, 6000000 do t[i] = i end return t",
        // Few tables, but no end of copies.
        "local t = {1} for _ = 1, 60 do t = {t, t} end return t",
    ] {
        let error = run(&mut tenant, source).expect_err("it is too large");
        assert_eq!(error.to_string(), "values that large cannot leave the partition");
    }
    let source = "local t = {1} for _ = 1, 60 do t = {t, t} end return pcall(take, t)";
    let refused = "bad argument #1 (values that large cannot leave the partition)";
    assert_eq!(run(&mut tenant, source)?, [false.into(), refused.into()]);
    // Errors that are too large say so.
    let error = run(&mut tenant, "error(('x'):rep(95000000), 0)").expect_err("it is an error");
    assert!(matches!(error, Error::Isolated(error) if error.message == "(text too long)"));
    assert_eq!(run(&mut tenant, "return 'as ever'")?, ["as ever".into()]);
    Ok(())
}

#[test]
fn names_and_writes_may_be_of_any_length() -> Result<(), Error> {
    let mut tenant = tenant(scratch());
    let source = "
        local name = ('x'):rep(10000000)
        local file, message, code = io.open(name)
        local renamed = select(3, os.rename('/tmp/x', name))
        return file, message == name .. ': File name too long', code, renamed, os.getenv(name)";
    let results = run(&mut tenant, source)?;
    assert_eq!(results, [Data::Nil, true.into(), 36.into(), 36.into(), Data::Nil]);
    let source = "
        local file = assert(io.tmpfile())
        local text = ('0123456789'):rep(1000000)
        assert(file:write(text, 'end'))
        file:seek('set')
        return file:read('a') == text .. 'end'";
    assert_eq!(run(&mut tenant, source)?, [true.into()]);
    Ok(())
}

#[test]
fn long_output_comes_out_whole() -> Result<(), Error> {
    let output = Captured::new();
    let engine = Engine::new(Configuration::new().home(Home::Partition));
    let mut tenant = engine.tenant(Streams { output: Output::Captured(output.clone()), ..Streams::none() })?;
    run(&mut tenant, "io.write(('0123456789'):rep(1000000), 'end')")?;
    tenant.close()?;
    assert_eq!(output.take_text(), "0123456789".repeat(1_000_000) + "end");
    Ok(())
}
