//! Compiled programs.

use crate::error::{Error, Result};
use lunette_bytecode::{disassembler, file, module::Module, verifier};
use std::{fmt, sync::Arc};

/// A compiled program: verified bytecode that any number of instances can run. Clones share it.
///
/// ```
/// use lunette::{AsContext, Engine, Program};
///
/// let engine = Engine::default();
/// let program = engine.compile("return 6 * 7", "=answer")?;
/// let same = Program::from_bytes(&program.to_bytes())?;
/// assert_eq!(engine.instantiate()?.run::<i64>(&same, ())?, 42);
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Clone)]
pub struct Program(Arc<Module>);

impl fmt::Debug for Program {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Program").field("functions", &self.0.functions.len()).finish_non_exhaustive()
    }
}

impl Program {
    /// Compiles a source text. The name is for messages: `@` and a file's name, `=` and any other, or the text itself.
    ///
    /// ```
    /// # use lunette::{Error, Program};
    /// let Err(Error::Syntax(error)) = Program::from_source("x = = 1", "@example.lua") else { panic!() };
    /// assert_eq!(error.message, "example.lua:1: unexpected symbol near '='");
    /// assert_eq!((error.line, error.column), (1, 5));
    /// ```
    #[cfg(feature = "compiler")]
    pub fn from_source(source: impl AsRef<[u8]>, name: impl AsRef<[u8]>) -> Result<Program> {
        Program::from_source_within(source.as_ref(), name.as_ref(), usize::MAX)
    }

    /// As [`Program::from_source`], with at most `memory` bytes for the compiler.
    #[cfg(feature = "compiler")]
    pub(crate) fn from_source_within(source: &[u8], name: &[u8], memory: usize) -> Result<Program> {
        let limits = lunette_frontend::Limits { memory };
        let module = lunette_frontend::compile(source, name, limits)
            .map_err(|error| Error::from_compiler(error, source, name))?;
        Ok(Program(Arc::new(module)))
    }

    #[cfg(not(feature = "compiler"))]
    fn from_source_within(_: &[u8], _: &[u8], _: usize) -> Result<Program> {
        Err(Error::Malformed("source text cannot be run without a compiler".into()))
    }

    /// Reads a compiled program, the content of an `.lbc` file, and verifies it.
    ///
    /// ```
    /// # use lunette::{Error, Program};
    /// assert!(matches!(Program::from_bytes(b"\x1bLua"), Err(Error::Malformed(_))));
    /// ```
    pub fn from_bytes(bytes: &[u8]) -> Result<Program> {
        Program::from_bytes_within(bytes, usize::MAX)
    }

    pub(crate) fn from_bytes_within(bytes: &[u8], memory: usize) -> Result<Program> {
        let module = file::read(bytes, memory).map_err(|error| match error.kind {
            file::ReadErrorKind::OutOfMemory | file::ReadErrorKind::MemoryBudget => Error::Memory,
            _ => Error::Malformed(error.to_string()),
        })?;
        verifier::verify(&module).map_err(|error| Error::Malformed(error.to_string()))?;
        Ok(Program(Arc::new(module)))
    }

    /// Reads a compiled program or compiles a source text, which may begin with a line for Unix (`#!`), whichever it is.
    ///
    /// ```
    /// # use lunette::Program;
    /// assert!(Program::from_file("#!/usr/bin/lunette\nreturn 1", "@script").is_ok());
    /// ```
    pub fn from_file(content: impl AsRef<[u8]>, name: impl AsRef<[u8]>) -> Result<Program> {
        Program::from_file_within(content.as_ref(), name.as_ref(), usize::MAX)
    }

    pub(crate) fn from_file_within(content: &[u8], name: &[u8], memory: usize) -> Result<Program> {
        let code = file::code_of_file(content);
        if code.first() == Some(&file::MAGIC[0]) {
            Program::from_bytes_within(code, memory)
        } else {
            Program::from_source_within(code, name, memory)
        }
    }

    /// The compiled program as bytes, the content of an `.lbc` file.
    ///
    /// ```
    /// # use lunette::Program;
    /// assert!(Program::from_source("", "=empty")?.to_bytes().starts_with(b"\x1bLBC"));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        file::write(&self.0)
    }

    /// The program without names of variables, lines and its own name: messages cannot give them any more.
    ///
    /// ```
    /// # use lunette::Program;
    /// let program = Program::from_source("local number = 1; return number", "=example")?;
    /// assert!(program.stripped().to_bytes().len() < program.to_bytes().len());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn stripped(&self) -> Program {
        let mut module = Module::clone(&self.0);
        module.strip();
        Program(Arc::new(module))
    }

    /// The program as text in Lunette's assembly.
    ///
    /// ```
    /// # use lunette::Program;
    /// assert!(Program::from_source("return 1", "=example")?.disassemble().contains("return"));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn disassemble(&self) -> std::string::String {
        disassembler::disassemble(&self.0)
    }

    pub(crate) fn module(&self) -> &Module {
        &self.0
    }
}
