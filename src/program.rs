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
pub struct Program(Arc<Form>);

/// What a program is.
pub(crate) enum Form {
    /// Bytecode.
    Bytecode(Module),
    /// A WebAssembly file, and its name.
    WebAssembly { file: Vec<u8>, name: Vec<u8> },
}

impl fmt::Debug for Program {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Form::Bytecode(module) => {
                formatter.debug_struct("Program").field("functions", &module.functions.len()).finish_non_exhaustive()
            }
            Form::WebAssembly { file, .. } => {
                formatter.debug_struct("Program").field("webassembly", &file.len()).finish_non_exhaustive()
            }
        }
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
        Ok(Program(Arc::new(Form::Bytecode(module))))
    }

    #[cfg(not(feature = "compiler"))]
    fn from_source_within(_: &[u8], _: &[u8], _: usize) -> Result<Program> {
        Err(Error::Malformed("source text cannot be run without a compiler".into()))
    }

    /// Compiles what was typed at a prompt, with at most `memory` bytes for the compiler.
    #[cfg(feature = "compiler")]
    pub(crate) fn of_entry(entry: &[u8], memory: usize) -> Result<Program> {
        use lunette_stdlib::prompt;
        let module = prompt::compile(entry, lunette_frontend::Limits { memory })
            .map_err(|refused| Error::from_compiler(refused.error, &refused.source, prompt::NAME))?;
        Ok(Program(Arc::new(Form::Bytecode(module))))
    }

    #[cfg(not(feature = "compiler"))]
    pub(crate) fn of_entry(entry: &[u8], memory: usize) -> Result<Program> {
        Program::from_source_within(entry, b"", memory)
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
        Ok(Program(Arc::new(Form::Bytecode(module))))
    }

    /// A WebAssembly file, all of which is validated. Running the program calls its function `_start`. The name is for
    /// messages.
    ///
    /// ```
    /// # use lunette::{Error, Program};
    /// let Err(Error::Malformed(message)) = Program::from_webassembly(b"\0asm\x01\0\0\0\x01", "@broken.wasm") else {
    ///     panic!()
    /// };
    /// assert_eq!(message, "unexpected end-of-file (at offset 0x9)");
    /// ```
    #[cfg(feature = "compiler")]
    pub fn from_webassembly(file: impl Into<Vec<u8>>, name: impl Into<Vec<u8>>) -> Result<Program> {
        let program = Program::of_webassembly(file.into(), name.into());
        program.validate()?;
        Ok(program)
    }

    fn of_webassembly(file: Vec<u8>, name: Vec<u8>) -> Program {
        Program(Arc::new(Form::WebAssembly { file, name }))
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
        if code.starts_with(&file::WEBASSEMBLY_MAGIC) {
            // It is validated as far as it is run.
            Ok(Program::of_webassembly(code.to_vec(), name.to_vec()))
        } else if code.first() == Some(&file::MAGIC[0]) {
            Program::from_bytes_within(code, memory)
        } else {
            Program::from_source_within(code, name, memory)
        }
    }

    /// Validates what is not yet: of a WebAssembly file that was read, the bodies of functions, which are otherwise
    /// validated when they are first called. Bytecode has been verified.
    ///
    /// ```
    /// # use lunette::{Error, Program};
    /// let program = Program::from_file(b"\0asm\x01\0\0\0\x01", "@broken.wasm")?;
    /// assert!(matches!(program.validate(), Err(Error::Malformed(_))));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[cfg(feature = "compiler")]
    pub fn validate(&self) -> Result<()> {
        match &*self.0 {
            Form::Bytecode(_) => Ok(()),
            Form::WebAssembly { file, .. } => match lunette_frontend::wasm::Module::parse(file, true) {
                Ok(_) => Ok(()),
                Err(error) => Err(Error::Malformed(error.to_string())),
            },
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
        match &*self.0 {
            Form::Bytecode(module) => file::write(module),
            Form::WebAssembly { file, .. } => file.clone(),
        }
    }

    /// The program with nothing left to be translated: of a WebAssembly file, all functions, which are otherwise translated
    /// when they are first called. Source text has been compiled.
    ///
    /// ```
    /// # use lunette::Program;
    /// // (module (func (export "_start")))
    /// let file = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x0a\x01\x06_start\0\0\x0a\x04\x01\x02\0\x0b";
    /// let program = Program::from_webassembly(file, "@nothing.wasm")?;
    /// let translated = program.translated()?;
    /// assert!(translated.to_bytes().starts_with(file) && translated.to_bytes().len() > file.len());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[cfg(feature = "compiler")]
    pub fn translated(&self) -> Result<Program> {
        let Form::WebAssembly { file, name } = &*self.0 else { return Ok(self.clone()) };
        let whole = lunette_frontend::wasm::Module::parse(file, false).and_then(|module| module.translate_all(file));
        match whole {
            Ok(whole) => Ok(Program::of_webassembly(whole, name.clone())),
            Err(error) => Err(Error::Malformed(error.to_string())),
        }
    }

    /// The program without names of variables, lines and its own name: messages cannot give them any more. A WebAssembly
    /// file loses its custom sections, names and what was [translated](Program::translated) before; without the compiler,
    /// it is left as it is.
    ///
    /// ```
    /// # use lunette::Program;
    /// let program = Program::from_source("local number = 1; return number", "=example")?;
    /// assert!(program.stripped().to_bytes().len() < program.to_bytes().len());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn stripped(&self) -> Program {
        match &*self.0 {
            Form::Bytecode(module) => {
                let mut module = module.clone();
                module.strip();
                Program(Arc::new(Form::Bytecode(module)))
            }
            #[cfg(feature = "compiler")]
            Form::WebAssembly { file, name } => {
                Program::of_webassembly(lunette_frontend::wasm::stripped(file), name.clone())
            }
            #[cfg(not(feature = "compiler"))]
            Form::WebAssembly { .. } => self.clone(),
        }
    }

    /// The program as text in Lunette's assembly.
    ///
    /// ```
    /// # use lunette::Program;
    /// assert!(Program::from_source("return 1", "=example")?.disassemble().contains("return"));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn disassemble(&self) -> std::string::String {
        match &*self.0 {
            Form::Bytecode(module) => disassembler::disassemble(module),
            Form::WebAssembly { file, .. } => disassemble_webassembly(file),
        }
    }

    pub(crate) fn form(&self) -> &Form {
        &self.0
    }
}

/// The code of all functions of a WebAssembly file, or why there is none.
#[cfg(feature = "compiler")]
fn disassemble_webassembly(file: &[u8]) -> std::string::String {
    use lunette_bytecode::typed::text::Listing;
    use std::fmt::Write;
    let module = match lunette_frontend::wasm::Module::parse(file, false) {
        Ok(module) => module,
        Err(error) => return format!("; {error}\n"),
    };
    let names = lunette_frontend::wasm::function_names(file);
    let mut text = std::string::String::new();
    for number in module.declarations.imported.functions..module.declarations.functions.len() as u32 {
        let name = names.get(&number).map_or_else(std::string::String::new, |name| format!(" ; {name}"));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "function f{number}{name}");
        let _ = match module.translate(file, number) {
            Ok(function) => write!(text, "{}", Listing(&function)),
            Err(error) => writeln!(text, "    ; {error}"),
        };
        text.push_str("end\n\n");
    }
    text
}

#[cfg(not(feature = "compiler"))]
fn disassemble_webassembly(_: &[u8]) -> std::string::String {
    "; WebAssembly is not translated without a compiler\n".into()
}
