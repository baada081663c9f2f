//! Userdata: plain ones, streams of the host, objects of the embedder.

use super::{
    error::{ReadErrorKind, Refusal, WriteError},
    format::{mode as bit, userdata as kind},
    functions::kind_name,
    reader::Reader,
    writer::{ObjectName, Writer},
};
use crate::{
    host::{Host, HostError, OpenMode, Request, Response, Stream},
    machine::Machine,
};
use alloc::{format, string::String, vec::Vec};
use lunette_gc::{
    reference::Ref,
    userdata::Userdata,
    value::{Tag, Value},
};

/// The longest name of an object, or path of a file.
const LONGEST_NAME: u64 = 1 << 16;

/// What a userdata stands for, found out before anything is written.
#[derive(Debug)]
pub(super) enum Meaning {
    Plain,
    StandardStream(u32),
    File(File),
    Object(Vec<u8>),
}

/// An open file, as the host describes it.
#[derive(Debug)]
pub(super) struct File {
    /// The name of the granted directory that it was opened beneath.
    root: Option<Vec<u8>>,
    path: Vec<u8>,
    mode: OpenMode,
    position: u64,
}

impl File {
    /// Its path, as programs know it.
    pub fn name(&self) -> Vec<u8> {
        match &self.root {
            Some(root) => [root, &self.path[..]].join(&b'/'),
            None => self.path.clone(),
        }
    }
}

/// Asks the host, and waits.
fn ask(host: &mut dyn Host, request: Request<'_>) -> Response {
    let ticket = host.submit(request);
    loop {
        if let Some(response) = host.complete(ticket) {
            return response;
        }
    }
}

/// Finds out what userdata stand for.
pub(super) fn meanings(
    machine: &mut Machine,
    userdata: &[Ref<Userdata>],
    name_of: &dyn Fn(u64) -> ObjectName,
) -> Result<Vec<Meaning>, WriteError> {
    let mut meanings = Vec::new();
    meanings.try_reserve(userdata.len()).map_err(|_| WriteError::Memory)?;
    for &object in userdata {
        let content = machine.heap.get(object);
        meanings.push(match (content.stream(), content.object()) {
            (Some(stream), _) if stream <= Stream::ERROR.0 => Meaning::StandardStream(stream),
            (Some(stream), _) => match ask(&mut *machine.host, Request::Describe(Stream(stream))) {
                Response::Described { root, path, mode, position } => {
                    Meaning::File(File { root, path, mode, position })
                }
                Response::Failed(error) => return Err(WriteError::Stream(error.message)),
                _ => return Err(WriteError::Stream(String::from("a stream cannot be named"))),
            },
            (None, Some(number)) => match name_of(number) {
                ObjectName::Registered(name) => Meaning::Object(name),
                ObjectName::Function => return Err(WriteError::Unnamed(String::from("a function"))),
                ObjectName::Object => {
                    let name = kind_name(&machine.type_name_of(Value::Userdata(object)));
                    return Err(WriteError::Unnamed(format!("a userdata of type {name}")));
                }
            },
            (None, None) => Meaning::Plain,
        });
    }
    Ok(meanings)
}

fn mode_bits(mode: OpenMode) -> u8 {
    let bits = [
        (mode.read, bit::READ),
        (mode.write, bit::WRITE),
        (mode.append, bit::APPEND),
        (mode.directory, bit::DIRECTORY),
        (mode.no_follow, bit::NO_FOLLOW),
        (mode.nonblocking, bit::NONBLOCKING),
        (mode.sync, bit::SYNC),
        (mode.data_sync, bit::DATA_SYNC),
    ];
    bits.into_iter().map(|(is_set, bit)| if is_set { bit } else { 0 }).sum()
}

fn mode_of_bits(bits: u8) -> OpenMode {
    let is_set = |bit| bits & bit != 0;
    OpenMode {
        read: is_set(bit::READ),
        write: is_set(bit::WRITE),
        append: is_set(bit::APPEND),
        directory: is_set(bit::DIRECTORY),
        no_follow: is_set(bit::NO_FOLLOW),
        nonblocking: is_set(bit::NONBLOCKING),
        sync: is_set(bit::SYNC),
        data_sync: is_set(bit::DATA_SYNC),
        ..OpenMode::default()
    }
}

impl Writer<'_, '_> {
    /// What each userdata stands for, and how many values it has.
    pub fn userdata(&mut self) -> Result<(), WriteError> {
        for (&userdata, meaning) in self.numbering.userdata.objects.iter().zip(self.meanings) {
            match meaning {
                Meaning::Plain => self.encoder.byte(kind::PLAIN)?,
                Meaning::StandardStream(stream) => {
                    self.encoder.byte(kind::STANDARD_STREAM)?;
                    self.encoder.number((*stream).into())?;
                }
                Meaning::File(File { root, path, mode, position }) => {
                    match root {
                        Some(root) => {
                            self.encoder.byte(kind::BENEATH)?;
                            self.encoder.counted_bytes(root)?;
                        }
                        None => self.encoder.byte(kind::FILE)?,
                    }
                    self.encoder.counted_bytes(path)?;
                    self.encoder.byte(mode_bits(*mode))?;
                    self.encoder.number(*position)?;
                }
                Meaning::Object(name) => {
                    self.encoder.byte(kind::OBJECT)?;
                    self.encoder.counted_bytes(name)?;
                }
            }
            self.encoder.number(self.machine.heap.get(userdata).value_count.into())?;
        }
        Ok(())
    }

    /// The metatables and values of userdata.
    pub fn userdata_content(&mut self) -> Result<(), WriteError> {
        for &userdata in &self.numbering.userdata.objects {
            let metatable = self.numbering.optional(self.machine.heap.get(userdata).metatable.get());
            self.encoder.number(metatable.into())?;
            self.slots(self.machine.heap.user_values(userdata))?;
        }
        Ok(())
    }
}

impl Reader<'_, '_> {
    /// Reads what userdata stand for. Files are opened when all the rest is read.
    pub fn userdata(&mut self, count: u32) -> Result<(), Refusal> {
        for number in 0..count {
            self.decoder.place = ("userdata", u64::from(number) + 1);
            let (mut stream, mut object) = (None, None);
            match self.decoder.byte()? {
                kind::PLAIN => {}
                kind::STANDARD_STREAM => match self.decoder.small()? {
                    number if number <= Stream::ERROR.0 => stream = Some(number),
                    _ => return Err(self.decoder.malformed("there is no such standard stream")),
                },
                kind @ (kind::FILE | kind::BENEATH) => {
                    let root = match kind {
                        kind::BENEATH => Some(self.decoder.counted_bytes(LONGEST_NAME)?),
                        _ => None,
                    };
                    let path = self.decoder.counted_bytes(LONGEST_NAME)?;
                    let mode = mode_of_bits(self.decoder.byte()?);
                    let position = self.decoder.number()?;
                    self.files.try_reserve(1).map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
                    self.files.push((number, File { root, path, mode, position }));
                }
                kind::OBJECT => {
                    let name = self.decoder.counted_bytes(LONGEST_NAME)?;
                    object = Some((self.find_object)(&name));
                    if object == Some(None) {
                        let name = String::from_utf8_lossy(&name).into_owned();
                        return Err(self.decoder.error(ReadErrorKind::Object(name)));
                    }
                }
                _ => return Err(self.decoder.malformed("kind of a userdata")),
            }
            let values = self.decoder.small()?;
            let userdata = self.machine.heap.new_userdata(0, values);
            let userdata = userdata.map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            if stream.is_some() {
                self.machine.heap.get(userdata).set_stream(stream);
            }
            if let Some(Some(number)) = object {
                self.machine.heap.get(userdata).set_object(number);
            }
            self.userdata.try_reserve(1).map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            self.userdata.push(userdata);
        }
        Ok(())
    }

    /// Reads the metatables and values of userdata.
    pub fn userdata_content(&mut self) -> Result<(), Refusal> {
        for number in 0..self.userdata.len() {
            self.decoder.place = ("userdata", number as u64 + 1);
            let userdata = self.userdata[number];
            let metatable = self.decoder.small()?;
            if metatable != 0 {
                let metatable = self.table_numbered(metatable)?;
                self.machine.heap.get(userdata).metatable.set(Some(metatable));
            }
            for index in 0..self.machine.heap.user_values(userdata).len() {
                let (tag, payload) = self.value()?;
                self.machine.heap.user_values(userdata)[index].set(Value::from_parts(tag, payload));
            }
        }
        Ok(())
    }

    /// Opens the files again.
    pub fn open_files(&mut self) -> Result<(), Refusal> {
        for (number, file) in core::mem::take(&mut self.files) {
            self.decoder.place = ("userdata", u64::from(number) + 1);
            let File { root, path, mode, position } = &file;
            let request = Request::Reopen { root: root.as_deref(), path, mode: *mode, position: *position };
            let message = match ask(&mut *self.machine.host, request) {
                Response::Opened(stream, _) => {
                    self.machine.heap.get(self.userdata[number as usize]).set_stream(Some(stream.0));
                    continue;
                }
                Response::Failed(HostError { message, .. }) => message,
                _ => String::from("not granted"),
            };
            let name = String::from_utf8_lossy(&file.name()).into_owned();
            return Err(self.decoder.error(ReadErrorKind::Stream(name, message)));
        }
        Ok(())
    }

    /// A table by its number.
    pub fn table_numbered(&mut self, number: u32) -> Result<Ref<lunette_gc::table::Table>, Refusal> {
        match Value::from_parts(Tag::Table as u8, self.reference(Tag::Table as u8, number.into())?) {
            Value::Table(table) => Ok(table),
            _ => Err(self.decoder.malformed("there is no such table")),
        }
    }
}
