//! Modules: everything but function bodies is decoded and validated at once, bodies when they are asked for.

use super::{
    WasmError, constant, translated, translator,
    types::{external_kind, global_type, memory_type, reference_type, sub_type, table_type},
};
use alloc::vec::Vec;
use core::{fmt, ops::Range};
use lunette_bytecode::typed::{
    function::{Function, Surroundings},
    module::{
        DataSegment, Declarations, ElementItems, ElementSegment, Export, ExternalKind, Global, Import, ReferenceType,
        SegmentMode, Table,
    },
};
use wasmparser::{
    BinaryReader, DataKind, ElementKind, FuncToValidate, FuncValidatorAllocations, FunctionBody, Imports, Parser,
    Payload, SectionLimited, TableInit, TypeRef, ValidPayload, Validator, ValidatorResources, WasmFeatures,
};

/// What modules may use: WebAssembly 3.0 but for threads.
const FEATURES: WasmFeatures = WasmFeatures::WASM3.difference(WasmFeatures::THREADS);

/// A WebAssembly module whose functions can be translated.
pub struct Module {
    /// What it declares.
    pub declarations: Declarations,
    /// What its functions may refer to.
    pub surroundings: Surroundings,
    /// What function bodies are validated against; `None` if there are none.
    resources: Option<ValidatorResources>,
    /// The place of functions that were translated ahead of time.
    translated: Option<Range<u32>>,
}

impl fmt::Debug for Module {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Module").field("declarations", &self.declarations).finish_non_exhaustive()
    }
}

impl Module {
    /// Decodes and validates a module, its function bodies only if `eager`.
    ///
    /// Time and memory are linear in the file.
    pub fn parse(file: &[u8], eager: bool) -> Result<Module, WasmError> {
        if u32::try_from(file.len()).is_err() {
            return Err(WasmError::Limit { offset: 0, what: "the module is larger than 4 GiB" });
        }
        let mut decoder = Decoder { declarations: Declarations::default(), resources: None };
        let mut validator = Validator::new_with_features(FEATURES);
        let mut allocations = FuncValidatorAllocations::default();
        let mut parser = Parser::new(0);
        parser.set_features(FEATURES);
        for payload in parser.parse_all(file) {
            let payload = payload?;
            check_count(&payload)?;
            match validator.payload(&payload)? {
                ValidPayload::Func(function, body) => {
                    decoder.resources.get_or_insert_with(|| function.resources.clone());
                    let range = body.range();
                    decoder.declarations.bodies.push(range.start as u32..range.end as u32);
                    if eager {
                        let mut validator = function.into_validator(allocations);
                        validator.validate(&body)?;
                        allocations = validator.into_allocations();
                    }
                }
                _ => decoder.decode(payload)?,
            }
        }
        let surroundings = decoder.declarations.surroundings();
        let translated = translated::find(file);
        Ok(Module { declarations: decoder.declarations, surroundings, resources: decoder.resources, translated })
    }

    /// A function of the module, which was parsed from `file`: the one that was translated ahead of time, if it is there.
    /// It is to be verified before it runs.
    pub fn function(&self, file: &[u8], function: u32) -> Result<Function, WasmError> {
        let translated = self.translated.as_ref();
        translated
            .and_then(|place| translated::function(file, place, function))
            .unwrap_or_else(|| self.translate(file, function))
    }

    /// The module's file with all of its functions translated ahead of time: still a file of the same module for others.
    pub fn translate_all(&self, file: &[u8]) -> Result<Vec<u8>, WasmError> {
        let own = self.declarations.imported.functions..self.declarations.functions.len() as u32;
        let whole = translated::add(file, own.map(|number| Ok((number, self.translate(file, number)?))))?;
        match u32::try_from(whole.len()) {
            Ok(_) => Ok(whole),
            Err(_) => Err(WasmError::Limit { offset: 0, what: "the module is larger than 4 GiB" }),
        }
    }

    /// Validates and translates the body of a function of the module, which was parsed from `file`.
    pub fn translate(&self, file: &[u8], function: u32) -> Result<Function, WasmError> {
        let none = WasmError::NoFunction(function);
        let body = function.checked_sub(self.declarations.imported.functions);
        let body = body.and_then(|own| self.declarations.bodies.get(own as usize)).ok_or(none.clone())?;
        let bytes = file.get(body.start as usize..body.end as usize).ok_or(none.clone())?;
        let kind = *self.declarations.functions.get(function as usize).ok_or(none.clone())?;
        let resources = self.resources.clone().ok_or(none)?;
        let to_validate = FuncToValidate { resources, index: function, ty: kind, features: FEATURES };
        let mut validator = to_validate.into_validator(FuncValidatorAllocations::default());
        let body = FunctionBody::new(BinaryReader::new_features(bytes, body.start.into(), FEATURES));
        translator::translate(&self.declarations, &self.surroundings, kind, &body, &mut validator)
    }
}

/// Refuses a section that says that it has more members than bytes, before room is made for them.
fn check_count(payload: &Payload<'_>) -> Result<(), WasmError> {
    fn check<T>(section: &SectionLimited<'_, T>) -> Result<(), WasmError> {
        let range = section.range();
        if u64::from(section.count()) > range.end - range.start {
            return Err(WasmError::Invalid { offset: range.end, reason: "unexpected end-of-file".into() });
        }
        Ok(())
    }
    match payload {
        Payload::TypeSection(section) => check(section),
        Payload::ImportSection(section) => check(section),
        Payload::FunctionSection(section) => check(section),
        Payload::TableSection(section) => check(section),
        Payload::MemorySection(section) => check(section),
        Payload::TagSection(section) => check(section),
        Payload::GlobalSection(section) => check(section),
        Payload::ExportSection(section) => check(section),
        Payload::ElementSection(section) => check(section),
        Payload::DataSection(section) => check(section),
        _ => Ok(()),
    }
}

struct Decoder {
    declarations: Declarations,
    resources: Option<ValidatorResources>,
}

impl Decoder {
    /// Takes over what a section declares; it has been validated.
    fn decode(&mut self, payload: Payload<'_>) -> Result<(), WasmError> {
        let there = &mut self.declarations;
        match payload {
            Payload::TypeSection(section) => {
                for group in section.into_iter_with_offsets() {
                    let (offset, group) = group?;
                    let (first, length) = (there.types.len() as u32, group.types().len() as u32);
                    for kind in group.types() {
                        let kind = sub_type(kind, first, length).ok_or_else(unsupported("type", offset))?;
                        there.types.push(kind);
                    }
                }
            }
            Payload::ImportSection(section) => {
                for imports in section.into_iter_with_offsets() {
                    let (offset, imports) = imports?;
                    match imports {
                        Imports::Single(_, import) => self.import(import, offset)?,
                        _ => return Err(unsupported("compact import", offset)()),
                    }
                }
            }
            Payload::FunctionSection(section) => {
                for kind in section {
                    there.functions.push(kind?);
                }
            }
            Payload::TableSection(section) => {
                for table in section.into_iter_with_offsets() {
                    let (offset, table) = table?;
                    let kind = table_type(table.ty).ok_or_else(unsupported("type of table", offset))?;
                    let initial = match &table.init {
                        TableInit::RefNull => None,
                        TableInit::Expr(expression) => Some(constant::expression(expression)?),
                    };
                    there.tables.push(Table { kind, initial });
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    there.memories.push(memory_type(memory?));
                }
            }
            Payload::TagSection(section) => {
                for tag in section {
                    there.tags.push(tag?.func_type_idx);
                }
            }
            Payload::GlobalSection(section) => {
                for global in section.into_iter_with_offsets() {
                    let (offset, global) = global?;
                    let kind = global_type(global.ty).ok_or_else(unsupported("type of global", offset))?;
                    there.globals.push(Global { kind, initial: constant::expression(&global.init_expr)? });
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    let kind = external_kind(export.kind);
                    there.exports.push(Export { name: export.name.into(), kind, index: export.index });
                }
            }
            Payload::StartSection { func, .. } => there.start = Some(func),
            Payload::ElementSection(section) => {
                for segment in section.into_iter_with_offsets() {
                    let (offset, segment) = segment?;
                    there.elements.push(element_segment(segment, offset)?);
                }
            }
            Payload::DataSection(section) => {
                for segment in section {
                    let segment = segment?;
                    let mode = match segment.kind {
                        DataKind::Passive => SegmentMode::Passive,
                        DataKind::Active { memory_index, offset_expr } => {
                            SegmentMode::Active(memory_index, constant::expression(&offset_expr)?)
                        }
                    };
                    let end = segment.range.end as u32;
                    there.data.push(DataSegment { mode, bytes: end - segment.data.len() as u32..end });
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn import(&mut self, import: wasmparser::Import<'_>, offset: u64) -> Result<(), WasmError> {
        let there = &mut self.declarations;
        let kind = match import.ty {
            TypeRef::Func(kind) | TypeRef::FuncExact(kind) => {
                there.functions.push(kind);
                there.imported.functions += 1;
                ExternalKind::Function
            }
            TypeRef::Table(kind) => {
                let kind = table_type(kind).ok_or_else(unsupported("type of table", offset))?;
                there.tables.push(Table { kind, initial: None });
                there.imported.tables += 1;
                ExternalKind::Table
            }
            TypeRef::Memory(kind) => {
                there.memories.push(memory_type(kind));
                there.imported.memories += 1;
                ExternalKind::Memory
            }
            TypeRef::Global(kind) => {
                let kind = global_type(kind).ok_or_else(unsupported("type of global", offset))?;
                there.globals.push(Global { kind, initial: [].into() });
                there.imported.globals += 1;
                ExternalKind::Global
            }
            TypeRef::Tag(kind) => {
                there.tags.push(kind.func_type_idx);
                there.imported.tags += 1;
                ExternalKind::Tag
            }
        };
        there.imports.push(Import { module: import.module.into(), name: import.name.into(), kind });
        Ok(())
    }
}

fn element_segment(segment: wasmparser::Element<'_>, offset: u64) -> Result<ElementSegment, WasmError> {
    let mode = match segment.kind {
        ElementKind::Passive => SegmentMode::Passive,
        ElementKind::Declared => SegmentMode::Declared,
        ElementKind::Active { table_index, offset_expr } => {
            SegmentMode::Active(table_index.unwrap_or(0), constant::expression(&offset_expr)?)
        }
    };
    let (element, items) = match segment.items {
        wasmparser::ElementItems::Functions(functions) => {
            let functions = functions.into_iter().collect::<Result<Vec<u32>, _>>()?;
            (ReferenceType::FUNCTION, ElementItems::Functions(functions.into()))
        }
        wasmparser::ElementItems::Expressions(element, expressions) => {
            let mut items = Vec::new();
            for expression in expressions {
                items.push(constant::expression(&expression?)?);
            }
            let element = reference_type(element).ok_or_else(unsupported("type of elements", offset))?;
            (element, ElementItems::Expressions(items.into()))
        }
    };
    Ok(ElementSegment { mode, element, items })
}

fn unsupported(what: &'static str, offset: u64) -> impl Fn() -> WasmError {
    move || WasmError::Unsupported { offset, what }
}
