//! A partition's memory: what it has from the start, and what it is given when it touches more.
//!
//! See `lunette_hw_interface::layout` for a drawing.

mod transfer;

use crate::{
    cpu,
    error::{End, Error},
    image::{Content, Image, MOST_SEGMENTS, Segment},
    mapping::Mapping,
    tables::{Access, PageTables},
    template::Template,
    windows::{Growth, Guards, Place, Windows},
};
use kvm_ioctls::VmFd;
use lunette_hw_interface::layout::*;
use lunette_pages::{PageSize, worker::Worker};
use std::{ops::Range, sync::Arc, time::Duration};
use transfer::Leaving;
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap, ReadVolatile};

/// A part of the memory.
#[derive(Debug)]
struct Part {
    mapping: Mapping,
    /// Physical address.
    physical: u64,
    /// The guest's address, for parts of windows.
    address: Option<u64>,
    /// Where in the template's file its content lies.
    offset: Option<u64>,
}

/// Up to so many bytes of changed pages are made as they were by copying, which spares the guest from touching them anew;
/// beyond, they are given back to the host.
const MOST_KEPT: usize = 1 << 20;

/// The memory of one partition.
#[derive(Debug)]
pub struct Memory {
    /// What the monitor reaches: everything but the image's constants.
    guest: GuestMemoryMmap,
    image: Image,
    parts: Vec<Part>,
    tables: PageTables,
    windows: Windows,
    /// Physical addresses, apart from memory that was added, that the guest can write to.
    writable: Vec<Range<u64>>,
    /// While the guest leaves: pages that are to be sent.
    leaving: Option<Leaving>,
    page_size: Arc<PageSize>,
    /// Whether large pages are asked for.
    are_large: bool,
    /// Who makes pages ahead.
    worker: Worker,
}

impl Memory {
    /// Memory with the image and the processor's tables, known to the virtual machine.
    pub fn new(vm: &VmFd, image: &Image, limit: u64) -> Result<Memory, Error> {
        let mut memory = Memory {
            guest: GuestMemoryMmap::new(),
            image: image.clone(),
            parts: Vec::new(),
            tables: PageTables::new(),
            windows: Windows::new(limit),
            writable: writable(image),
            leaving: None,
            page_size: Arc::default(),
            are_large: true,
            worker: Worker::default(),
        };
        memory.add_constants(vm)?;
        let fixed = [0..IMAGE, REGION_START..BASE_BYTES, TABLES..TABLES + TABLES_BYTES];
        for range in fixed.into_iter().chain(variable(image)) {
            memory.add(vm, Mapping::zeroed(range.start, range.end - range.start)?, range.start, None, None)?;
        }
        for (address, bytes) in cpu::tables() {
            memory.write(address, &bytes)?;
        }
        for segment in &image.segments {
            if let Content::Variable(bytes) = &segment.content {
                memory.write(segment.start, bytes)?;
            }
        }
        memory.map_base()?;
        Ok(memory)
    }

    /// A copy of a template's memory.
    pub fn thaw(vm: &VmFd, template: &Template, limit: u64) -> Result<Memory, Error> {
        let mut memory = Memory {
            guest: GuestMemoryMmap::new(),
            image: template.image.clone(),
            parts: Vec::new(),
            tables: template.header.tables.clone(),
            windows: template.header.windows.with_limit(limit),
            writable: template.header.writable.clone(),
            leaving: None,
            page_size: Arc::default(),
            are_large: true,
            worker: Worker::default(),
        };
        memory.add_constants(vm)?;
        for part in &template.header.parts {
            let mapping = Mapping::copy_of(&template.file, part.offset, part.physical, part.bytes)?;
            memory.add(vm, mapping, part.physical, part.address, Some(part.offset))?;
        }
        Ok(memory)
    }

    /// Makes the tables for everything that is there from the start.
    fn map_base(&mut self) -> Result<(), Error> {
        let mut map = |start, bytes, physical, access| self.tables.map(&self.guest, start, bytes, physical, access);
        map(DESCRIPTORS, STUBS - DESCRIPTORS, DESCRIPTORS, Access::System)?;
        map(STUBS, PAGE_BYTES, STUBS, Access::SystemCode)?;
        map(STUB_STACK, SYSTEM_END - STUB_STACK, STUB_STACK, Access::System)?;
        map(CHANNEL, PAGE_BYTES, CHANNEL, Access::Write)?;
        map(OUTBOX, OUTBOX_BYTES as u64, OUTBOX, Access::Write)?;
        map(INBOX, INBOX_BYTES as u64, INBOX, Access::Write)?;
        map(STACK, STACK_END - STACK, STACK, Access::Write)?;
        map(ARENA, ARENA_START_BYTES, ARENA_START, Access::Write)?;
        map(REGION, REGION_START_BYTES, REGION_START, Access::Write)?;
        for segment in &self.image.segments {
            let access = match segment.content {
                Content::Variable(_) => Access::Write,
                Content::Constant { is_executable: true, .. } => Access::Execute,
                Content::Constant { is_executable: false, .. } => Access::Read,
            };
            let Range { start, end } = segment.pages();
            map(start, end - start, start, access)?;
        }
        Ok(())
    }

    /// Tells the virtual machine of the image's constants and code.
    fn add_constants(&self, vm: &VmFd) -> Result<(), Error> {
        for (slot, segment) in self.image.segments.iter().enumerate() {
            if let Content::Constant { pages, first, .. } = &segment.content {
                let Range { start, end } = segment.pages();
                pages.register(vm, slot as u32, start, *first, end - start)?;
            }
        }
        Ok(())
    }

    /// Adds a part.
    fn add(
        &mut self,
        vm: &VmFd,
        mapping: Mapping,
        physical: u64,
        address: Option<u64>,
        offset: Option<u64>,
    ) -> Result<(), Error> {
        self.guest = self.guest.insert_region(mapping.region()).map_err(Error::memory("add"))?;
        mapping.register(vm, slot(self.parts.len()), physical, self.leaving.is_some())?;
        // Page tables are made anew wherever the guest goes.
        if let Some(leaving) = &mut self.leaving
            && address.is_some()
        {
            leaving.add_part(physical, mapping.bytes() as u64);
        }
        self.parts.push(Part { mapping, physical, address, offset });
        Ok(())
    }

    /// Adds memory for page tables, if there is too little left.
    fn make_room_for_tables(&mut self, vm: &VmFd) -> Result<(), Error> {
        if let Some(missing) = self.tables.missing() {
            let mapping = Mapping::zeroed(missing.start, missing.end - missing.start)?;
            self.add(vm, mapping, missing.start, None, None)?;
            self.tables.add(missing);
        }
        Ok(())
    }

    /// Writes to physical memory.
    pub fn write(&self, physical: u64, bytes: &[u8]) -> Result<(), Error> {
        self.note_change(physical..physical.saturating_add(bytes.len() as u64));
        self.guest.write_slice(bytes, GuestAddress(physical)).map_err(Error::memory("write"))
    }

    /// Reads from physical memory.
    pub fn read(&self, physical: u64, bytes: &mut [u8]) -> Result<(), Error> {
        self.guest.read_slice(bytes, GuestAddress(physical)).map_err(Error::memory("read"))
    }

    /// Processor time of other threads that have made pages.
    pub fn helpers_time(&self) -> Duration {
        self.worker.time()
    }

    /// The most bytes that may be added.
    pub fn limit(&self) -> u64 {
        self.windows.limit()
    }

    /// Whether memory can be added at this address.
    pub fn is_growable(&self, address: u64) -> bool {
        self.windows.is_growable(address)
    }

    /// Adds memory up to an address at which it can be.
    pub fn grow(&mut self, vm: &VmFd, address: u64) -> Result<(), End> {
        let growth = self.windows.growth_to(address).ok_or(End::Memory)?;
        Ok(self.extend(vm, &growth)?)
    }

    /// Adds memory to a window.
    fn extend(&mut self, vm: &VmFd, growth: &Growth) -> Result<(), Error> {
        let &Growth { address, physical, bytes, .. } = growth;
        let mapping = Mapping::zeroed(physical, bytes)?;
        // The first large page of a place may be all that it needs, and it may need little of that.
        mapping.use_pages(self.are_large && bytes > LARGE_PAGE_BYTES);
        self.add(vm, mapping, physical, Some(address), None)?;
        if let Some(place) = growth.place() {
            self.windows.add(growth);
            return self.map_place(vm, place, address..address + bytes);
        }
        self.make_room_for_tables(vm)?;
        self.tables.map_large(&self.guest, address, bytes, physical, Access::Write)?;
        if let Some(address) = growth.executed_at() {
            self.tables.map_large(&self.guest, address, bytes, physical, Access::Execute)?;
        }
        self.windows.add(growth);
        Ok(())
    }

    /// Whether an address is guarded.
    pub fn is_guarded(&self, address: u64) -> bool {
        self.windows.is_guarded(address)
    }

    /// From where on each place is guarded.
    pub fn guards(&self) -> Guards {
        self.windows.guards()
    }

    /// Guards each place from there on.
    pub fn set_guards(&mut self, vm: &VmFd, guards: &Guards) -> Result<(), Error> {
        let differing: Vec<_> = self.windows.guarded_otherwise(guards).collect();
        differing.into_iter().try_for_each(|(place, guard)| self.set_guard(vm, place, guard))
    }

    /// Makes pages of a place inaccessible, or accessible again.
    pub fn guard(&mut self, vm: &VmFd, start: u64, bytes: u64, is_guarded: bool) -> Result<(), End> {
        let Some((place, guard)) = self.windows.guarded(start, bytes, is_guarded) else {
            return Err(End::Violation(format!("it guards {bytes:#x} bytes at {start:#x}")));
        };
        Ok(self.set_guard(vm, place, guard)?)
    }

    fn set_guard(&mut self, vm: &VmFd, place: Place, guard: Option<u64>) -> Result<(), Error> {
        let range = self.windows.set_guard(place, guard);
        self.map_place(vm, place, range)?;
        // The guest does without what was there, and KVM is to notice.
        let guarded = self.windows.guarded_memory(place);
        for part in &self.parts {
            let Some(address) = part.address else { continue };
            let (from, to) = (guarded.start.max(address), guarded.end.min(address + part.mapping.bytes() as u64));
            if from < to {
                self.note_change(part.physical + (from - address)..part.physical + (to - address));
                part.mapping.drop_pages((from - address) as usize..(to - address) as usize)?;
            }
        }
        Ok(())
    }

    /// Makes the entries for a range of a place.
    fn map_place(&mut self, vm: &VmFd, place: Place, range: Range<u64>) -> Result<(), Error> {
        self.make_room_for_tables(vm)?;
        let added = |page: u64| {
            let mut parts = self.parts.iter().filter_map(|part| Some((part, page.checked_sub(part.address?)?)));
            let (part, offset) = parts.find(|(part, offset)| *offset < part.mapping.bytes() as u64)?;
            Some(part.physical + offset)
        };
        let pages = self.windows.large_pages(place, range);
        let pages: Vec<_> = pages.filter_map(|(page, bytes)| Some((page, bytes, added(page)?))).collect();
        for (page, bytes, physical) in pages {
            self.tables.map_part(&self.guest, (page, bytes), physical)?;
        }
        Ok(())
    }

    /// Appends what lies at addresses of the guest where messages may lie; `false` if these are others.
    pub fn append_content(&self, start: u64, bytes: usize, content: &mut Vec<u8>) -> Result<bool, Error> {
        if !self.windows.holds(start, bytes) {
            return Ok(false);
        }
        content.reserve(bytes);
        // The parts of a window come in the order of their addresses.
        self.pieces(start, bytes, |physical, range| {
            let read = self.guest.write_all_volatile_to(GuestAddress(physical), content, range.len());
            read.map_err(Error::memory("read"))
        })?;
        Ok(true)
    }

    /// Writes so many bytes from a source to addresses of the guest where messages may lie, to which memory is added as if
    /// the guest touched them; `false` if these are others.
    pub fn fill(&mut self, vm: &VmFd, start: u64, bytes: usize, source: &mut impl ReadVolatile) -> Result<bool, End> {
        if let Some(last) = self.windows.missing(start, bytes) {
            self.grow(vm, last)?;
        }
        if !self.windows.holds(start, bytes) {
            return Ok(false);
        }
        self.pieces(start, bytes, |physical, range| {
            self.note_change(physical..physical + range.len() as u64);
            let written = self.guest.read_exact_volatile_from(GuestAddress(physical), source, range.len());
            written.map_err(Error::memory("write"))
        })?;
        Ok(true)
    }

    /// Where the parts of boxes and windows lie: the guest's address, the physical one, and bytes.
    fn places(&self) -> impl Iterator<Item = (u64, u64, u64)> {
        let fixed = [
            (OUTBOX, OUTBOX, OUTBOX_BYTES as u64),
            (INBOX, INBOX, INBOX_BYTES as u64),
            (ARENA, ARENA_START, ARENA_START_BYTES),
            (REGION, REGION_START, REGION_START_BYTES),
        ];
        let added =
            self.parts.iter().filter_map(|part| Some((part.address?, part.physical, part.mapping.bytes() as u64)));
        fixed.into_iter().chain(added)
    }

    /// Visits the physical addresses of a range that [`Windows::holds`], with the part of the range that lies there.
    fn pieces(
        &self,
        start: u64,
        bytes: usize,
        mut visit: impl FnMut(u64, std::ops::Range<usize>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let end = start + bytes as u64;
        for (address, physical, size) in self.places() {
            let (from, to) = (start.max(address), end.min(address + size));
            if from < to {
                visit(physical + (from - address), (from - start) as usize..(to - start) as usize)?;
            }
        }
        Ok(())
    }

    /// Makes pages that the guest does not use read as zero, and gives them back to the host where that can be.
    pub fn discard(&self, start: u64, bytes: u64) -> Result<(), End> {
        let Some((window, Range { end, .. })) = self.windows.discarded(start, bytes) else {
            return Err(End::Violation(format!("it discards {bytes:#x} bytes at {start:#x}")));
        };
        // The first part of a window may lie in the base memory.
        let (base, base_bytes) = match window {
            ARENA => (ARENA_START, ARENA_START_BYTES),
            REGION => (REGION_START, REGION_START_BYTES),
            _ => (0, 0),
        };
        let base_end = window + base_bytes;
        if start < base_end {
            self.zero_physical(base + (start - window)..base + (end.min(base_end) - window))?;
        }
        for (number, part) in self.parts.iter().enumerate() {
            if let Some(address) = part.address {
                let (from, to) = (start.max(address), end.min(address + part.mapping.bytes() as u64));
                if from < to {
                    self.zero(number, from - address..to - address)?;
                }
            }
        }
        Ok(())
    }

    /// Makes pages that the guest is about to write to, and adds memory for them, as far as there may be so much.
    pub fn prepare(&mut self, vm: &VmFd, start: u64, bytes: u64) -> Result<(), End> {
        let Some(Range { end, .. }) = self.windows.prepared(start, bytes) else {
            return Err(End::Violation(format!("it prepares {bytes:#x} bytes at {start:#x}")));
        };
        if self.is_growable(end - 1) {
            match self.grow(vm, end - 1) {
                // It may never come to need it.
                Err(End::Memory) => return Ok(()),
                grown => grown?,
            }
        }
        let added = || self.parts.iter().filter(|part| part.offset.is_none() && part.address.is_some());
        if self.are_large && !self.page_size.is_large() {
            // What the guest touches before its turn comes is not to be slower.
            self.are_large = false;
            added().for_each(|part| part.mapping.use_pages(false));
        }
        for part in added() {
            if let Some(address) = part.address {
                let (from, to) = (start.max(address), end.min(address + part.mapping.bytes() as u64));
                if from < to {
                    part.mapping.make_pages(
                        (from - address) as usize..(to - address) as usize,
                        &self.page_size,
                        &self.worker,
                    );
                }
            }
        }
        Ok(())
    }

    /// Makes a range of a part zero.
    fn zero(&self, part: usize, range: Range<u64>) -> Result<(), Error> {
        let part = &self.parts[part];
        self.note_change(part.physical + range.start..part.physical + range.end);
        if part.offset.is_none() {
            return part.mapping.drop_pages(range.start as usize..range.end as usize);
        }
        // What is dropped of a copy would be as the template has it.
        static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
        let mut start = range.start;
        while start < range.end {
            let count = (range.end - start).min(ZEROS.len() as u64);
            self.write(part.physical + start, &ZEROS[..count as usize])?;
            start += count;
        }
        Ok(())
    }

    /// What a template needs to know; the content is read by [`Memory::read`]: parts with their physical address, the
    /// guest's address and size.
    pub fn parts(&self) -> impl Iterator<Item = (u64, Option<u64>, u64)> {
        self.parts.iter().map(|part| (part.physical, part.address, part.mapping.bytes() as u64))
    }

    /// Physical addresses, apart from memory that was added, that the guest can write to.
    pub fn writable(&self) -> Vec<Range<u64>> {
        self.writable.clone()
    }

    /// The page tables and the windows.
    pub fn shape(&self) -> (PageTables, Windows) {
        (self.tables.clone(), self.windows.clone())
    }

    /// The image that was loaded.
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// Makes everything as the template has it, but for the page tables, whose entries stay where nothing is guarded.
    pub fn reset(&mut self, vm: &VmFd, template: &Template) -> Result<(), Error> {
        for part in &self.parts {
            if PageTables::are_in(part.physical) {
                continue;
            }
            let everything = 0..part.mapping.bytes();
            let Some(offset) = part.offset else {
                part.mapping.drop_pages(everything)?;
                continue;
            };
            match part.mapping.changed_pages() {
                Some(changed) if changed.iter().map(|range| range.len()).sum::<usize>() <= MOST_KEPT => {
                    for range in changed {
                        let original = template.content(offset + range.start as u64, range.len())?;
                        self.write(part.physical + range.start as u64, original)?;
                    }
                }
                _ => part.mapping.drop_pages(everything)?,
            }
        }
        self.set_guards(vm, &template.header.windows.guards())
    }

    /// Makes a range of physical memory zero.
    fn zero_physical(&self, range: Range<u64>) -> Result<(), Error> {
        for (number, part) in self.parts.iter().enumerate() {
            let (from, to) =
                (range.start.max(part.physical), range.end.min(part.physical + part.mapping.bytes() as u64));
            if from < to {
                self.zero(number, from - part.physical..to - part.physical)?;
            }
        }
        Ok(())
    }

    /// Notes that pages are other than those that were sent.
    fn note_change(&self, range: Range<u64>) {
        if let Some(leaving) = &self.leaving {
            leaving.note(range);
        }
    }
}

/// KVM's number of a part; the first ones are the image's segments.
fn slot(part: usize) -> u32 {
    (MOST_SEGMENTS + part) as u32
}

/// Pages of the image that the guest can write to.
fn variable(image: &Image) -> impl Iterator<Item = Range<u64>> {
    let segments = image.segments.iter().filter(|segment| matches!(segment.content, Content::Variable(_)));
    segments.map(Segment::pages)
}

/// Physical addresses that the guest can write to from the start.
fn writable(image: &Image) -> Vec<Range<u64>> {
    let fixed = [
        CHANNEL..CHANNEL + PAGE_BYTES,
        OUTBOX..OUTBOX + OUTBOX_BYTES as u64,
        INBOX..INBOX + INBOX_BYTES as u64,
        STACK..STACK_END,
        ARENA_START..ARENA_START + ARENA_START_BYTES,
        REGION_START..REGION_START + REGION_START_BYTES,
    ];
    let mut ranges: Vec<Range<u64>> = fixed.into_iter().chain(variable(image)).collect();
    ranges.sort_by_key(|range| range.start);
    ranges.dedup_by(|next, last| {
        let is_adjacent = last.end >= next.start;
        if is_adjacent {
            last.end = last.end.max(next.end);
        }
        is_adjacent
    });
    ranges
}
