//! Functions of the host, as a partition has them: by numbers.

use crate::{
    callback::HostFunctions,
    data::Data,
    error::{Error, Result},
};

/// A function of the host, of copies.
pub(super) type Function = Box<dyn FnMut(Vec<Data>) -> Result<Vec<Data>> + Send>;

/// The functions that a guest can call. Those that the configuration names come first, in the order in which the guest was
/// told their names.
pub(super) struct Functions {
    names: Vec<String>,
    list: Vec<Function>,
}

impl Functions {
    /// All that have a name.
    pub fn new(registered: &HostFunctions) -> Functions {
        let mut functions = Functions { names: Vec::new(), list: Vec::new() };
        for (name, function) in registered.of_copies() {
            functions.names.push(name.to_owned());
            functions.list.push(Box::new(move |arguments| function(arguments)));
        }
        functions
    }

    /// Those that a guest knows which was told these names elsewhere.
    pub fn named(registered: &HostFunctions, names: Vec<String>) -> Result<Functions> {
        let mut functions = Functions { names: Vec::new(), list: Vec::new() };
        for name in names {
            let Some((_, function)) = registered.of_copies().find(|&(other, _)| other == name) else {
                return Err(Error::message(format_args!("no function of the host is registered as '{name}' here")));
            };
            functions.names.push(name);
            functions.list.push(Box::new(move |arguments| function(arguments)));
        }
        Ok(functions)
    }

    /// The names, in the order of their numbers.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether there are others, which only this process knows.
    pub fn has_unnamed(&self) -> bool {
        self.list.len() > self.names.len()
    }

    /// The number of the function of this name.
    pub fn number_of(&self, name: &str) -> Result<u32> {
        match self.names.iter().position(|other| other == name) {
            Some(number) => Ok(number as u32),
            None => Err(Error::message(format_args!("there is no host function '{name}'"))),
        }
    }

    /// Adds a function; its number.
    pub fn add(&mut self, function: Function) -> u32 {
        self.list.push(function);
        self.list.len() as u32 - 1
    }

    /// The function of a number of unknown origin.
    pub fn get(&mut self, number: u32) -> Option<&mut Function> {
        self.list.get_mut(number as usize)
    }
}
