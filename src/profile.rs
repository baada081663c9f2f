//! Profiles: which functions a program spends its time in.

use crate::instance::Instance;
use lunette_interpreter::profile;
use std::{fmt::Write, time::Duration};

/// Which functions were on the stack, and for how long, while a program was profiled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile(profile::Profile);

impl Profile {
    /// What a partition says, which may be anything.
    #[cfg(feature = "partitions")]
    pub(crate) fn of_partition(profile: profile::Profile) -> Profile {
        Profile(profile.within_bounds())
    }

    /// Samples: how many intervals there were in which the program ran.
    ///
    /// ```
    /// assert_eq!(lunette::Profile::default().samples(), 0);
    /// ```
    pub fn samples(&self) -> u64 {
        self.0.stacks.iter().map(|(_, count)| count).sum()
    }

    /// The stacks in the form that tools for flame graphs read: a line for each, of the functions, the outermost first, with
    /// semicolons between them, and the number of samples.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine};
    /// # use std::time::Duration;
    /// let mut instance = Engine::default().instantiate()?;
    /// instance.start_profile(Duration::from_micros(100));
    /// instance.exec("local function busy() local x = 0; for i = 1, 2000000 do x = x + i % 7 end return x end busy()")?;
    /// let profile = instance.take_profile();
    /// assert!(profile.folded().lines().any(|line| line.contains(";busy (") && !line.ends_with(" 0")));
    /// assert_eq!(instance.take_profile().samples(), 0);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn folded(&self) -> String {
        // What stands between functions and lines does not stand in names, nor what pictures cannot show.
        let plain = |name: &String| name.replace(';', ",").replace(char::is_control, " ");
        let names: Vec<String> = self.0.functions.iter().map(plain).collect();
        let mut text = String::new();
        for (stack, count) in &self.0.stacks {
            let stack: Vec<&str> = stack.iter().map(|&number| &*names[number as usize]).collect();
            let _ = writeln!(text, "{} {count}", stack.join(";"));
        }
        text
    }
}

impl Instance {
    /// Notes from now on, about as often as this, which functions are on the stack: where the program can be interrupted, so
    /// that a long call of a library function counts for its caller, as often as it took intervals. What was noted stays here
    /// if the program goes on elsewhere.
    ///
    /// ```
    /// # use lunette::Engine;
    /// # use std::time::Duration;
    /// Engine::default().instantiate()?.start_profile(Duration::from_millis(1));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn start_profile(&mut self, interval: Duration) {
        self.machine().start_profile(u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Ends what [`Instance::start_profile`] began, and gives what was found out: nothing, if nothing was begun.
    ///
    /// ```
    /// # use lunette::Engine;
    /// assert!(Engine::default().instantiate()?.take_profile().folded().is_empty());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn take_profile(&mut self) -> Profile {
        Profile(self.machine().take_profile())
    }
}
