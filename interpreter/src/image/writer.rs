//! Writing an instance: what it consists of, part by part.

use super::{
    encoder::{Encoder, Sink},
    error::WriteError,
    format::{COMPRESSED, MAGIC, VERSION},
    numbering::{Numbering, Queue},
    userdata::{Meaning, meanings},
};
use crate::machine::Machine;
use alloc::vec::Vec;
use lunette_gc::value::Slot;

/// What is being written, and where it goes.
pub(super) struct Writer<'m, 's> {
    pub machine: &'m Machine,
    pub numbering: &'m Numbering,
    pub meanings: &'m [Meaning],
    pub encoder: Encoder<'s>,
}

/// How an image is written.
#[derive(Clone, Copy)]
pub struct WriteOptions<'o> {
    /// Whether the sink compresses what follows the header.
    pub is_compressed: bool,
    /// Who writes it, for people.
    pub producer: &'o str,
    /// The registered name of an object of the embedder.
    pub name_of: &'o dyn Fn(u64) -> ObjectName,
}

/// What an object of the embedder is to an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectName {
    /// One that is registered under this name.
    Registered(Vec<u8>),
    /// A function without a name.
    Function,
    /// Another object without a name.
    Object,
}

impl Machine {
    /// Writes the instance to an image. It stands at a point where it can be gone on with: idle, or where the machine
    /// offers a snapshot. Nothing in it changes, but for positions of streams that the host is asked for.
    pub fn write_image(&mut self, options: WriteOptions<'_>, sink: &mut dyn Sink) -> Result<(), WriteError> {
        if self.host_calls > 1 {
            return Err(WriteError::Busy);
        }
        let top = self.snapshot_top();
        self.store_thread(top);
        let numbering = Numbering::of(self)?;
        let meanings = meanings(self, &numbering.userdata.objects, options.name_of)?;
        let encoder = Encoder::new(sink)?;
        let writer = Writer { machine: self, numbering: &numbering, meanings: &meanings, encoder };
        writer.write(options)
    }
}

impl Writer<'_, '_> {
    fn write(mut self, options: WriteOptions<'_>) -> Result<(), WriteError> {
        self.encoder.bytes(&MAGIC)?;
        self.encoder.bytes(&VERSION.to_le_bytes())?;
        self.encoder.bytes(&(if options.is_compressed { COMPRESSED } else { 0 }).to_le_bytes())?;
        let producer = options.producer.as_bytes();
        let producer = &producer[..producer.len().min(u8::MAX.into())];
        self.encoder.byte(producer.len() as u8)?;
        self.encoder.bytes(producer)?;
        self.encoder.begin_body()?;
        let numbering = self.numbering;
        let counts = [
            numbering.strings.objects.len(),
            numbering.byte_arrays.objects.len(),
            numbering.modules.objects.len(),
            numbering.layouts.objects.len(),
            numbering.cells.objects.len(),
            numbering.closures.objects.len(),
            numbering.natives.objects.len(),
            numbering.userdata.objects.len(),
            numbering.threads.objects.len(),
            numbering.tables.objects.len(),
            numbering.typed_modules.objects.len(),
            numbering.memories.objects.len(),
            numbering.exception_tags.objects.len(),
            numbering.reference_tables.objects.len(),
            numbering.instances.objects.len(),
            numbering.globals.objects.len(),
            numbering.typed_functions.objects.len(),
            numbering.typed_objects.objects.len(),
        ];
        for count in counts {
            self.encoder.number(count as u64)?;
        }
        // What objects there are.
        self.strings()?;
        self.modules()?;
        self.layouts()?;
        self.closures()?;
        self.native_closures()?;
        self.userdata()?;
        self.typed_objects()?;
        self.identities()?;
        // What they hold.
        self.roots()?;
        self.tables()?;
        self.cells()?;
        self.native_values()?;
        self.userdata_content()?;
        self.typed_content()?;
        self.threads()?;
        self.finalizers()?;
        self.state()?;
        self.encoder.finish()
    }

    fn strings(&mut self) -> Result<(), WriteError> {
        for &string in &self.numbering.strings.objects {
            self.encoder.counted_bytes(self.machine.heap.string_bytes(string))?;
        }
        for &array in &self.numbering.byte_arrays.objects {
            // Buffers are mostly empty.
            let bytes = self.machine.heap.bytes(array);
            let used = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            self.encoder.number(bytes.len() as u64)?;
            self.encoder.counted_bytes(&bytes[..used])?;
        }
        Ok(())
    }

    fn identities(&mut self) -> Result<(), WriteError> {
        fn of<T>(queue: &Queue<T>) -> &[(u32, u64)] {
            &queue.identities
        }
        let numbering = self.numbering;
        let all = [
            of(&numbering.strings),
            of(&numbering.cells),
            of(&numbering.closures),
            of(&numbering.natives),
            of(&numbering.userdata),
            of(&numbering.threads),
            of(&numbering.tables),
            of(&numbering.typed_functions),
        ];
        self.encoder.number(self.machine.heap.last_identity())?;
        for identities in all {
            self.encoder.number(identities.len() as u64)?;
            let mut previous = 0;
            for &(number, identity) in identities {
                self.encoder.number((number - previous).into())?;
                self.encoder.number(identity)?;
                previous = number;
            }
        }
        Ok(())
    }

    /// A slot's value.
    #[inline]
    pub fn slot(&mut self, slot: &Slot) -> Result<(), WriteError> {
        self.encoder.value(self.numbering.parts(self.machine, (slot.tag.get() as u8, slot.payload.get())))
    }

    pub fn slots(&mut self, slots: &[Slot]) -> Result<(), WriteError> {
        slots.iter().try_for_each(|slot| self.slot(slot))
    }
}
