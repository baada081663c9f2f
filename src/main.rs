//! The program `lunette`.

fn main() {
    let path = std::env::args().nth(1).unwrap();
    use lunette::*;
    let engine = Engine::new(Configuration::new().grants(Grants::ALL));
    let mut i = engine.instantiate_with(Streams::inherited()).unwrap();
    let p = engine.load_file(std::fs::read(&path).unwrap(), format!("@{path}")).map_err(|e| {eprintln!("{e}"); std::process::exit(1)}).unwrap();
    if let Err(e) = i.run::<()>(&p, ()) { eprintln!("lunette: {e}"); if let Error::Runtime(r) = e { eprintln!("{}", r.traceback) } std::process::exit(1) }
}
