//! What an instance may ask of the process it lives in.

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Opening, making, removing and renaming files.
    pub files: bool,
    /// Running commands.
    pub processes: bool,
    /// Reading environment variables.
    pub environment: bool,
    /// Reading the clock and the time zone.
    pub clock: bool,
    /// Random numbers that differ from run to run.
    pub entropy: bool,
}

impl Grants {
    /// Nothing.
    ///
    /// ```
    /// assert!(!lunette::Grants::NONE.files);
    /// ```
    pub const NONE: Grants =
        Grants { files: false, processes: false, environment: false, clock: false, entropy: false };

    /// What the command `lua` gives its programs.
    ///
    /// ```
    /// assert!(lunette::Grants::ALL.files);
    /// ```
    pub const ALL: Grants = Grants { files: true, processes: true, environment: true, clock: true, entropy: true };
}
