//! Reading an image into a new machine: every number, type and bound is checked where it is read, frames when all of a
//! thread is there.

use super::{
    decoder::{Decoder, Source},
    error::{ReadError, ReadErrorKind, Refusal},
    format::{COMPRESSED, MAGIC, VERSION, internal},
    typed_objects::TypedObjects,
    userdata::File,
};
use crate::machine::Machine;
use alloc::vec::Vec;
use core::ops::Range;
use lunette_gc::{
    function::{Closure, NativeClosure, VariableCell},
    reference::Ref,
    storage::{ByteArray, RefArray},
    string::Str,
    table::{Parts, Shape, Table},
    thread::Thread,
    userdata::Userdata,
    value::{FIRST_REFERENCE_TAG, Tag, Value},
};

/// What is being read, and what of it there is.
pub(super) struct Reader<'m, 's> {
    pub machine: &'m mut Machine,
    pub decoder: Decoder<'s>,
    /// The number of an object of the embedder, by its registered name.
    pub find_object: &'m mut dyn FnMut(&[u8]) -> Option<u64>,
    pub strings: Vec<Ref<Str>>,
    pub byte_arrays: Vec<Ref<ByteArray>>,
    pub modules: Vec<Ref<RefArray>>,
    /// The shape of each layout, if tables can have it, and its keys.
    pub layouts: Vec<(Option<Ref<Shape>>, Range<usize>)>,
    pub layout_keys: Vec<Ref<Str>>,
    pub cells: Vec<Ref<VariableCell>>,
    pub closures: Vec<Ref<Closure>>,
    pub natives: Vec<Ref<NativeClosure>>,
    pub userdata: Vec<Ref<Userdata>>,
    pub threads: Vec<Ref<Thread>>,
    pub tables: Vec<Ref<Table>>,
    pub typed: TypedObjects,
    /// Files to be opened, and numbers of their userdata.
    pub files: Vec<(u32, File)>,
    /// Working memory: the values of a table's fields.
    pub values: Vec<Parts>,
    /// Up to where the heap was used before.
    before: usize,
    /// Up to where in the heap pages are made ahead.
    prepared: usize,
}

/// Bytes from an image in a heap that is likely to grow by much.
const LARGE_HEAP: usize = 4 << 20;
/// Bytes for which pages are made ahead.
const AHEAD: usize = 8 << 20;
/// Objects between two looks at its size.
const OBJECTS_PER_LOOK: usize = 512;

/// What an image says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The version of the format.
    pub version: u16,
    /// Whether it is compressed.
    pub is_compressed: bool,
    /// Who wrote it.
    pub producer: Vec<u8>,
}

/// What was in an image: the number of its objects by kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// What the image says of itself.
    pub header: Header,
    /// Bytes of the image when it is not compressed.
    pub bytes: u64,
    /// Name of each kind of object, the number of objects, and the bytes of the image that they take.
    pub objects: Vec<(&'static str, u64, u64)>,
    /// Name of each other part and the bytes that it takes.
    pub parts: Vec<(&'static str, u64)>,
    /// The open files: their paths.
    pub files: Vec<Vec<u8>>,
    /// The names of the modules.
    pub modules: Vec<Ref<Str>>,
    /// The threads.
    pub threads: Vec<Ref<Thread>>,
}

/// How an image is read.
pub struct ReadOptions<'o> {
    /// The number of an object of the embedder, by its registered name.
    pub find_object: &'o mut dyn FnMut(&[u8]) -> Option<u64>,
    /// Whether files are opened again; if not, the machine is only for looking at.
    pub opens_files: bool,
}

impl Machine {
    /// Reads an image into a machine in which native functions are registered, and nothing else was done yet. If that
    /// fails, the machine is good for nothing any more.
    pub fn read_image(&mut self, options: ReadOptions<'_>, source: &mut dyn Source) -> Result<Content, ReadError> {
        let decoder = Decoder::new(source).map_err(|refusal| *refusal)?;
        let before = self.heap.touched_bytes();
        let reader = Reader {
            machine: self,
            decoder,
            find_object: options.find_object,
            strings: Vec::new(),
            byte_arrays: Vec::new(),
            modules: Vec::new(),
            layouts: Vec::new(),
            layout_keys: Vec::new(),
            cells: Vec::new(),
            closures: Vec::new(),
            natives: Vec::new(),
            userdata: Vec::new(),
            threads: Vec::new(),
            tables: Vec::new(),
            typed: TypedObjects::default(),
            files: Vec::new(),
            values: Vec::new(),
            before,
            prepared: 0,
        };
        reader.read(options.opens_files).map_err(|refusal| *refusal)
    }
}

/// The kinds of objects in the order of their counts.
const KINDS: [&str; 18] = [
    "strings",
    "byte arrays",
    "modules",
    "layouts",
    "variables",
    "functions",
    "native functions",
    "userdata",
    "threads",
    "tables",
    "WebAssembly modules",
    "memories",
    "exception tags",
    "tables of references",
    "instances",
    "globals",
    "WebAssembly functions",
    "WebAssembly objects",
];

impl Reader<'_, '_> {
    fn read(mut self, opens_files: bool) -> Result<Content, Refusal> {
        let header = self.header()?;
        self.decoder.place = ("counts", 0);
        let mut counts = [0; KINDS.len()];
        for count in &mut counts {
            *count = self.decoder.small()?;
        }
        let [strings, byte_arrays, modules, layouts, cells, closures, natives, userdata, threads, tables, ..] = counts;
        let [.., typed_modules, memories, exception_tags, reference_tables, instances, globals, functions, objects] =
            counts;
        let mut bytes = [0; KINDS.len()];
        let mut parts = Vec::new();
        let mut mark = 0;
        let mut taken = |reader: &Self| {
            let offset = reader.decoder.offset();
            offset - core::mem::replace(&mut mark, offset)
        };
        parts.push(("header", taken(&self)));
        self.strings(strings)?;
        bytes[0] = taken(&self);
        self.byte_arrays(byte_arrays)?;
        bytes[1] = taken(&self);
        self.modules(modules)?;
        bytes[2] = taken(&self);
        self.layouts(layouts)?;
        bytes[3] = taken(&self);
        self.declare(cells, tables, threads)?;
        self.closures(closures)?;
        bytes[5] = taken(&self);
        self.native_closures(natives)?;
        bytes[6] = taken(&self);
        self.userdata(userdata)?;
        bytes[7] = taken(&self);
        self.typed_modules(typed_modules)?;
        bytes[10] = taken(&self);
        self.memories(memories)?;
        bytes[11] = taken(&self);
        self.exception_tags(exception_tags)?;
        bytes[12] = taken(&self);
        self.reference_tables(reference_tables)?;
        bytes[13] = taken(&self);
        self.instances(instances)?;
        bytes[14] = taken(&self);
        self.globals(globals)?;
        bytes[15] = taken(&self);
        self.typed_functions(functions)?;
        bytes[16] = taken(&self);
        self.objects(objects)?;
        bytes[17] = taken(&self);
        self.identities()?;
        parts.push(("identities", taken(&self)));
        self.roots()?;
        parts.push(("roots", taken(&self)));
        self.tables()?;
        bytes[9] = taken(&self);
        self.cells()?;
        bytes[4] = taken(&self);
        self.native_values()?;
        bytes[6] += taken(&self);
        self.userdata_content()?;
        bytes[7] += taken(&self);
        self.table_elements()?;
        bytes[13] += taken(&self);
        self.global_values()?;
        bytes[15] += taken(&self);
        self.callees()?;
        bytes[16] += taken(&self);
        self.object_content()?;
        bytes[17] += taken(&self);
        self.instance_content()?;
        bytes[14] += taken(&self);
        self.threads()?;
        bytes[8] = taken(&self);
        self.decoder.place = ("finalizers", 0);
        self.finalizers()?;
        parts.push(("finalizers", taken(&self)));
        let is_running = self.state()?;
        self.check_threads(is_running)?;
        parts.push(("state", taken(&self)));
        self.decoder.finish()?;
        let files = self.files.iter().map(|(_, file)| file.name()).collect();
        if opens_files {
            self.open_files()?;
        }
        self.machine.adopt_roots();
        let sources = self.modules.iter().filter_map(|&module| {
            let first = self.machine.heap.refs(module).first()?.get()?;
            Some(self.machine.heap.get(first.cast::<lunette_gc::function::Prototype>()).source)
        });
        Ok(Content {
            header,
            bytes: mark + 8,
            objects: (0..KINDS.len()).map(|kind| (KINDS[kind], counts[kind].into(), bytes[kind])).collect(),
            parts,
            files,
            modules: sources.collect(),
            threads: self.threads,
        })
    }

    fn header(&mut self) -> Result<Header, Refusal> {
        let mut magic = [0; MAGIC.len()];
        self.decoder.bytes(&mut magic)?;
        if magic != MAGIC {
            return Err(self.decoder.error(ReadErrorKind::NoImage));
        }
        let (mut version, mut flags) = ([0; 2], [0; 2]);
        self.decoder.bytes(&mut version)?;
        let version = u16::from_le_bytes(version);
        if version != VERSION {
            return Err(self.decoder.error(ReadErrorKind::Version(version)));
        }
        self.decoder.bytes(&mut flags)?;
        let flags = u16::from_le_bytes(flags);
        if flags & !COMPRESSED != 0 {
            return Err(self.decoder.error(ReadErrorKind::Flags(flags)));
        }
        let length = self.decoder.byte()?;
        let producer = self.decoder.vector(length.into())?;
        self.decoder.begin_body(flags)?;
        Ok(Header { version, is_compressed: flags & COMPRESSED != 0, producer })
    }

    /// Bytes that the instance may still take.
    pub fn free_memory(&self) -> u64 {
        let heap = &self.machine.heap;
        heap.memory_limit().saturating_sub(heap.used_bytes())
    }

    /// The length of a text that is about to be read, if there is room for it.
    fn length(&mut self) -> Result<usize, Refusal> {
        let length = self.decoder.number()?;
        if length > self.free_memory() || length > u32::MAX.into() {
            return Err(self.decoder.error(ReadErrorKind::Memory));
        }
        Ok(length as usize)
    }

    /// Looks now and then whether the heap has grown by much.
    #[inline]
    pub fn note_growth(&mut self, number: usize) {
        if number.is_multiple_of(OBJECTS_PER_LOOK) {
            self.prepare(0);
        }
    }

    /// Has the heap prepare for an object of so many bytes, and for more if there was much already.
    #[inline]
    pub fn prepare(&mut self, bytes: usize) {
        let heap = &self.machine.heap;
        let wanted = heap.touched_bytes() + bytes;
        if wanted - self.before > LARGE_HEAP && wanted + AHEAD / 2 > self.prepared {
            self.prepared = heap.prepare_growth(self.prepared, bytes + AHEAD);
        }
    }

    fn strings(&mut self, count: u32) -> Result<(), Refusal> {
        for number in 0..count {
            self.note_growth(number as usize);
            self.decoder.place = ("string", u64::from(number) + 1);
            let length = self.length()?;
            if length > LARGE_HEAP {
                self.prepare(length);
            }
            let mut failure = Ok(());
            let decoder = &mut self.decoder;
            let string = self.machine.heap.new_unseen_string(length, |bytes| failure = decoder.bytes(bytes));
            let string = string.map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            failure?;
            self.strings.try_reserve(1).map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            self.strings.push(string);
        }
        let restored = self.machine.heap.restore_strings(&mut self.strings);
        restored.map_err(|_| self.decoder.error(ReadErrorKind::Memory))
    }

    fn byte_arrays(&mut self, count: u32) -> Result<(), Refusal> {
        for number in 0..count {
            self.decoder.place = ("byte array", u64::from(number) + 1);
            let length = self.length()?;
            let bytes = self.decoder.counted_bytes(length as u64)?;
            let array = self.machine.heap.new_zeroed_byte_array(length as u32);
            let array = array.map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            self.machine.heap.write_bytes(array, 0, &bytes);
            self.byte_arrays.try_reserve(1).map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            self.byte_arrays.push(array);
        }
        Ok(())
    }

    /// Makes the objects of which nothing but the number is known before their content.
    fn declare(&mut self, cells: u32, tables: u32, threads: u32) -> Result<(), Refusal> {
        self.decoder.place = ("counts", 0);
        self.cells.try_reserve(cells as usize).map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
        for _ in 0..cells {
            let cell = self.machine.heap.new_cell(Value::Nil);
            self.cells.push(cell.map_err(|_| self.decoder.error(ReadErrorKind::Memory))?);
        }
        self.tables.try_reserve(tables as usize).map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
        for number in 0..tables {
            self.note_growth(number as usize);
            let table = self.machine.heap.new_table(0, 0);
            self.tables.push(table.map_err(|_| self.decoder.error(ReadErrorKind::Memory))?);
        }
        self.declare_threads(threads)
    }

    fn identities(&mut self) -> Result<(), Refusal> {
        const TAGS: [Tag; 8] = [
            Tag::String,
            Tag::Cell,
            Tag::Closure,
            Tag::NativeClosure,
            Tag::Userdata,
            Tag::Thread,
            Tag::Table,
            Tag::TypedFunction,
        ];
        const LARGEST: u64 = (1 << 40) - 1;
        self.decoder.place = ("identities", 0);
        let last = self.decoder.number()?;
        if last > LARGEST {
            return Err(self.decoder.malformed("identity"));
        }
        for tag in TAGS {
            let mut object = 0u64;
            for _ in 0..self.decoder.number()? {
                object = object.saturating_add(self.decoder.number()?);
                let identity = self.decoder.number()?;
                let reference = self.reference(tag as u8, object)?;
                if identity == 0 || identity > last {
                    return Err(self.decoder.malformed("identity"));
                }
                if let Some(object) = Value::from_parts(tag as u8, reference).object() {
                    self.machine.heap.set_identity(object, identity);
                }
            }
        }
        self.machine.heap.set_last_identity(last);
        Ok(())
    }

    /// A value.
    #[inline]
    pub fn value(&mut self) -> Result<Parts, Refusal> {
        let tag = self.decoder.byte()?;
        self.value_of(tag)
    }

    /// A value whose tag is read.
    #[inline]
    pub fn value_of(&mut self, tag: u8) -> Result<Parts, Refusal> {
        const NIL: u8 = Tag::Nil as u8;
        const FALSE: u8 = Tag::False as u8;
        const TRUE: u8 = Tag::True as u8;
        const INTEGER: u8 = Tag::Integer as u8;
        const FLOAT: u8 = Tag::Float as u8;
        const LIGHT: u8 = Tag::LightUserdata as u8;
        if (internal::MODULE..=internal::EXCEPTION_TAG).contains(&tag) {
            let number = self.decoder.number()?;
            return Ok((Tag::Internal as u8, self.internal(tag, number)?));
        }
        Ok((
            tag,
            match tag {
                NIL | FALSE | TRUE => 0,
                INTEGER => self.decoder.signed()? as u64,
                FLOAT => self.decoder.word()?,
                LIGHT => self.decoder.number()?,
                FIRST_REFERENCE_TAG.. => {
                    let number = self.decoder.number()?;
                    self.reference(tag, number)?
                }
                _ => return Err(self.decoder.malformed("tag of a value")),
            },
        ))
    }

    /// A reference as the payload of a value: to the object of the tag's kind with this number.
    #[inline]
    pub fn reference(&self, tag: u8, number: u64) -> Result<u64, Refusal> {
        fn units<T>(objects: &[Ref<T>], number: u64) -> Option<u64> {
            objects.get(usize::try_from(number).ok()?.checked_sub(1)?).map(|object| object.units().into())
        }
        const STRING: u8 = Tag::String as u8;
        const TABLE: u8 = Tag::Table as u8;
        const CLOSURE: u8 = Tag::Closure as u8;
        const NATIVE: u8 = Tag::NativeClosure as u8;
        const USERDATA: u8 = Tag::Userdata as u8;
        const THREAD: u8 = Tag::Thread as u8;
        const CELL: u8 = Tag::Cell as u8;
        const BYTES: u8 = Tag::Bytes as u8;
        const TYPED: u8 = Tag::TypedFunction as u8;
        const OBJECT: u8 = Tag::TypedObject as u8;
        let found = match tag {
            STRING => units(&self.strings, number),
            TABLE => units(&self.tables, number),
            CLOSURE => units(&self.closures, number),
            NATIVE => units(&self.natives, number),
            USERDATA => units(&self.userdata, number),
            THREAD => units(&self.threads, number),
            CELL => units(&self.cells, number),
            BYTES => units(&self.byte_arrays, number),
            TYPED => units(&self.typed.functions, number),
            OBJECT => units(&self.typed.objects, number),
            _ => return Err(self.decoder.malformed("tag of a value")),
        };
        found.ok_or_else(|| self.decoder.malformed("there is no object of this number"))
    }

    /// The object of a kind with this number; nil for 0.
    pub fn value_numbered(&self, tag: u8, number: u32) -> Result<Value, Refusal> {
        if number == 0 { Ok(Value::Nil) } else { Ok(Value::from_parts(tag, self.reference(tag, number.into())?)) }
    }
}
