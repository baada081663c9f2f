//! What an instance may ask of the process it lives in.

use std::{collections::BTreeMap, path::PathBuf};

/// What of the outside world a program may use. An instance has no grants unless it is given some.
///
/// ```
/// use lunette::{AsContext, Configuration, Engine, Grants};
///
/// let engine = Engine::new(Configuration::new().grants(Grants { clock: true, ..Grants::NONE }));
/// let mut instance = engine.instantiate()?;
/// assert!(instance.eval::<i64>("return os.time()")? > 0);
/// assert!(instance.eval::<bool>("return io.open('/etc/passwd') == nil")?);
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Opening, making, removing and renaming files.
    pub files: Files,
    /// Running commands.
    pub processes: bool,
    /// Reading environment variables.
    pub environment: Environment,
    /// Reading the clock and the time zone.
    pub clock: bool,
    /// Random numbers that differ from run to run.
    pub entropy: bool,
    /// The arguments that a program finds when it asks for them, as WebAssembly programs do, beginning with its name.
    pub arguments: Vec<Vec<u8>>,
}

/// The files a program may use.
///
/// ```
/// use lunette::{AsContext, Configuration, Directory, Engine, Files, Grants};
///
/// # let folder = std::env::temp_dir().join(format!("lunette-files-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).map_err(lunette::Error::external)?;
/// std::fs::write(folder.join("words"), "one two").map_err(lunette::Error::external)?;
/// let data = Directory { host: folder.clone(), guest: "/data".into(), is_writable: false };
/// let grants = Grants { files: Files::Directories(vec![data]), ..Grants::NONE };
/// let mut instance = Engine::new(Configuration::new().grants(grants)).instantiate()?;
/// assert_eq!(instance.eval::<String>("return io.open('/data/words'):read('a')")?, "one two");
/// assert!(instance.eval::<bool>("return io.open('/data/words', 'w') == nil")?);
/// assert!(instance.eval::<bool>("return io.open('/data/../etc/passwd') == nil")?);
/// # std::fs::remove_dir_all(&folder).map_err(lunette::Error::external)?;
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Files {
    /// None.
    #[default]
    None,
    /// Those below these directories, and no others: no link leads out of them. Relative paths begin at `/`.
    Directories(Vec<Directory>),
    /// All that the process may use.
    All,
}

/// A directory that a program may use.
///
/// ```
/// # use lunette::{AsContext, Configuration, Directory, Engine, Files, Grants};
/// let library = Directory { host: "/usr/lib".into(), guest: "/lib".into(), is_writable: false };
/// let grants = Grants { files: Files::Directories(vec![library]), ..Grants::NONE };
/// let mut instance = Engine::new(Configuration::new().grants(grants)).instantiate()?;
/// assert!(instance.eval::<bool>("return io.open('/lib/new', 'w') == nil")?);
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Its path for the process.
    pub host: PathBuf,
    /// Its path for the program, which begins with `/`.
    pub guest: PathBuf,
    /// Whether files may be made, changed, removed and renamed.
    pub is_writable: bool,
}

/// The environment variables a program may read.
///
/// ```
/// use lunette::{AsContext, Configuration, Engine, Environment, Grants};
///
/// let environment = Environment::Only([(b"MODE".to_vec(), b"test".to_vec())].into());
/// let grants = Grants { environment, ..Grants::NONE };
/// let mut instance = Engine::new(Configuration::new().grants(grants)).instantiate()?;
/// assert_eq!(instance.eval::<String>("return os.getenv('MODE')")?, "test");
/// assert!(instance.eval::<bool>("return os.getenv('PATH') == nil")?);
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Environment {
    /// None.
    #[default]
    None,
    /// These, by name.
    Only(BTreeMap<Vec<u8>, Vec<u8>>),
    /// All of the process.
    All,
}

impl Grants {
    /// Nothing.
    ///
    /// ```
    /// assert_eq!(lunette::Grants::NONE.files, lunette::Files::None);
    /// ```
    pub const NONE: Grants = Grants {
        files: Files::None,
        processes: false,
        environment: Environment::None,
        clock: false,
        entropy: false,
        arguments: Vec::new(),
    };

    /// What the command `lua` gives its programs.
    ///
    /// ```
    /// assert_eq!(lunette::Grants::ALL.files, lunette::Files::All);
    /// ```
    pub const ALL: Grants = Grants {
        files: Files::All,
        processes: true,
        environment: Environment::All,
        clock: true,
        entropy: true,
        arguments: Vec::new(),
    };
}
