//! Random changes to a graph of objects, compared with a model, while the collector runs in every mode it has.
#![cfg(not(miri))]

mod support;
use lunette_gc::{
    collector::Mode,
    heap::{Heap, ROOT_CURRENT_THREAD},
    reference::Ref,
    table::Table,
    value::Value,
};
use std::collections::{BTreeMap, HashMap, HashSet};
use support::heap;

const ROOT: usize = 10;
const NODES: usize = 300;

/// A generator of numbers that depends on nothing but the seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        ((self.0 >> 33) as usize) % bound
    }
}

/// A key as the model has it: every object is known by the number it was made with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Key {
    Integer(i64),
    Text(String),
    Node(u64),
}

#[derive(Clone, Debug, PartialEq)]
enum Content {
    Integer(i64),
    Text(String),
    Node(u64),
    Boxed(u64),
}

type Model = HashMap<u64, BTreeMap<Key, Content>>;

#[derive(Clone, Copy, Debug)]
enum Plan {
    Stress(u32),
    PartialStress(u32),
    Automatic,
    Incremental,
    Generational,
}

struct Test {
    heap: Heap,
    random: Random,
    model: Model,
    /// The roots: slots of the running thread.
    stack: Vec<Option<u64>>,
    next: u64,
    plan: Plan,
    finalizable: HashSet<u64>,
    finalized: HashSet<u64>,
}

const NUMBER: &str = "number";

impl Test {
    fn new(plan: Plan, seed: u64) -> Test {
        let heap = heap(32);
        let thread = heap.new_thread(NODES as u32).unwrap();
        heap.root(ROOT_CURRENT_THREAD).set(Value::Thread(thread));
        heap.get(thread).top.set(NODES as u32 - 20);
        // Keeps the key alive by which nodes are known.
        heap.root(ROOT).set(Value::String(heap.new_string(NUMBER.as_bytes()).unwrap()));
        // SAFETY: all nodes in use are in the stack.
        unsafe {
            match plan {
                Plan::Stress(every) => heap.set_stress(every),
                Plan::PartialStress(every) => heap.set_partial_stress(every),
                Plan::Automatic => {}
                Plan::Incremental => drop(heap.collector().set_mode(Mode::Incremental)),
                Plan::Generational => drop(heap.collector().set_mode(Mode::Generational)),
            }
        }
        let (random, stack) = (Random(seed), vec![None; NODES]);
        let (model, finalizable, finalized) = Default::default();
        Test { heap, random, model, stack, next: 1, plan, finalizable, finalized }
    }

    fn slot(&self, index: usize) -> &lunette_gc::value::Slot {
        let Value::Thread(thread) = self.heap.root(ROOT_CURRENT_THREAD).get() else { panic!("no thread") };
        &self.heap.slots(self.heap.get(thread).stack.get())[index]
    }

    fn node(&self, index: usize) -> Option<(u64, Ref<Table>)> {
        match (self.stack[index], self.slot(index).get()) {
            (Some(number), Value::Table(table)) => Some((number, table)),
            (None, Value::Nil) => None,
            other => panic!("slot {index} is {other:?}"),
        }
    }

    fn key(&self, key: &Key) -> Option<Value> {
        Some(match key {
            Key::Integer(number) => Value::Integer(*number),
            Key::Text(text) => Value::String(self.heap.new_string(text.as_bytes()).unwrap()),
            Key::Node(number) => {
                let index = self.stack.iter().position(|slot| *slot == Some(*number))?;
                Value::Table(self.node(index)?.1)
            }
        })
    }

    /// One change of the graph.
    fn change(&mut self) {
        let live = NODES - 20;
        let index = self.random.below(live);
        match self.random.below(10) {
            0 => {
                self.slot(index).set(Value::Nil);
                self.stack[index] = None;
            }
            1 | 2 => {
                let hints = (self.random.below(3) * 8, self.random.below(3) * 4);
                let table = self.heap.new_table(hints.0 as u32, hints.1 as u32).unwrap();
                self.slot(index).set(Value::Table(table));
                let number = self.next;
                self.next += 1;
                self.stack[index] = Some(number);
                let content = BTreeMap::from([(Key::Text(NUMBER.into()), Content::Integer(number as i64))]);
                self.model.insert(number, content);
                let key = self.heap.new_string(NUMBER.as_bytes()).unwrap();
                self.heap.table_set(table, Value::String(key), Value::Integer(number as i64)).unwrap();
                if self.random.below(20) == 0 {
                    self.heap.register_finalizable(table.cast()).unwrap();
                    self.finalizable.insert(number);
                }
            }
            3 => {
                let other = self.random.below(live);
                self.stack[other] = self.stack[index];
                self.slot(other).set(self.slot(index).get());
            }
            4 => {
                // A child becomes a root.
                let Some((number, table)) = self.node(index) else { return };
                let children: Vec<_> =
                    self.model[&number].iter().map(|(key, content)| (key.clone(), content.clone())).collect();
                let (key, content) = children[self.random.below(children.len())].clone();
                if let (Content::Node(child), Some(key)) = (content, self.key(&key)) {
                    let value = self.heap.table_get(table, key);
                    assert!(matches!(value, Value::Table(_)), "{value:?}");
                    let other = self.random.below(live);
                    self.slot(other).set(value);
                    self.stack[other] = Some(child);
                }
            }
            _ => self.write(index),
        }
        // Above the top anything may stand.
        let (from, to) = (self.random.below(live), live + self.random.below(20));
        self.slot(to).set(self.slot(from).get());
    }

    fn write(&mut self, index: usize) {
        let live = NODES - 20;
        let Some((number, table)) = self.node(index) else { return };
        let other = self.random.below(live);
        let key = match self.random.below(4) {
            0 => Key::Integer(self.random.below(20) as i64),
            1 => Key::Integer(1 << self.random.below(40)),
            2 => Key::Text(format!("key {}", self.random.below(60))),
            _ => match self.node(other) {
                Some((number, _)) => Key::Node(number),
                None => return,
            },
        };
        let Some(key_value) = self.key(&key) else { return };
        let target = self.random.below(live);
        let content = match self.random.below(6) {
            0 => None,
            1 => Some(Content::Integer(self.random.below(1000) as i64)),
            2 => Some(Content::Text(format!("{}{}", "long ".repeat(self.random.below(20)), self.random.below(100)))),
            3 => self.node(target).map(|(number, _)| Content::Boxed(number)),
            _ => self.node(target).map(|(number, _)| Content::Node(number)),
        };
        let value = match &content {
            None => Value::Nil,
            Some(Content::Integer(number)) => Value::Integer(*number),
            Some(Content::Text(text)) => Value::String(self.heap.new_string_concat(&[text.as_bytes()]).unwrap()),
            Some(Content::Node(_)) => self.slot(target).get(),
            Some(Content::Boxed(_)) => {
                // By way of a native closure and a userdata.
                let inner = self.heap.new_native_closure(3, 2).unwrap();
                self.heap.native_values(inner)[1].set(self.slot(target).get());
                let userdata = self.heap.new_userdata(1, 1).unwrap();
                self.heap.user_values(userdata)[0].set(Value::NativeClosure(inner));
                Value::Userdata(userdata)
            }
        };
        self.heap.table_set(table, key_value, value).unwrap();
        let entries = self.model.get_mut(&number).unwrap();
        match content {
            Some(content) => drop(entries.insert(key, content)),
            None => drop(entries.remove(&key)),
        }
    }

    fn safepoint(&mut self) {
        // SAFETY: all nodes in use are in the stack.
        unsafe {
            if self.heap.needs_collection() {
                self.heap.collect_step();
            } else if matches!(self.plan, Plan::Incremental | Plan::Generational) {
                match self.random.below(40) {
                    0 => drop(self.heap.collector().step(0)),
                    1 => drop(self.heap.collector().step(3)),
                    _ => {}
                }
            }
        }
        while let Some(object) = self.heap.next_pending_finalizer() {
            let Value::Table(table) = object else { panic!("{object:?} was never registered") };
            let key = Value::String(self.heap.new_string(NUMBER.as_bytes()).unwrap());
            let Value::Integer(number) = self.heap.table_get(table, key) else {
                panic!("a finalized node has no number")
            };
            assert!(self.finalizable.contains(&(number as u64)));
            assert!(self.finalized.insert(number as u64));
        }
    }

    /// Compares what can be reached with the model.
    fn compare(&self) {
        self.heap.verify().unwrap();
        let mut open: Vec<(u64, Ref<Table>)> = (0..NODES - 20).filter_map(|index| self.node(index)).collect();
        let mut known: HashMap<u64, Ref<Table>> = HashMap::new();
        let mut reachable = HashSet::new();
        // Nodes as values first, so that those that are keys are known.
        while let Some((number, table)) = open.pop() {
            if let Some(&before) = known.get(&number) {
                assert_eq!(before, table);
                continue;
            }
            known.insert(number, table);
            reachable.insert(number);
            assert!(!self.finalized.contains(&number), "{number} is alive and was finalized");
            let mut key = Value::Nil;
            while let Some((next, value)) = self.heap.table_next(table, key).unwrap() {
                for value in [next, value] {
                    if let Value::Table(child) = value {
                        open.push((self.number(child), child));
                    }
                }
                key = next;
            }
        }
        for (&number, &table) in &known {
            let model = &self.model[&number];
            let mut found = BTreeMap::new();
            let mut key = Value::Nil;
            while let Some((next, value)) = self.heap.table_next(table, key).unwrap() {
                found.insert(self.model_key(next), self.content(value));
                key = next;
            }
            assert_eq!(&found, model, "node {number}");
        }
    }

    fn number(&self, table: Ref<Table>) -> u64 {
        let key = Value::String(self.heap.new_string(NUMBER.as_bytes()).unwrap());
        match self.heap.table_get(table, key) {
            Value::Integer(number) => number as u64,
            other => panic!("number is {other:?}"),
        }
    }

    fn text(&self, string: Ref<lunette_gc::string::Str>) -> String {
        String::from_utf8(self.heap.string_bytes(string).to_vec()).unwrap()
    }

    fn model_key(&self, key: Value) -> Key {
        match key {
            Value::Integer(number) => Key::Integer(number),
            Value::String(string) => Key::Text(self.text(string)),
            Value::Table(table) => Key::Node(self.number(table)),
            other => panic!("key {other:?}"),
        }
    }

    fn content(&self, value: Value) -> Content {
        match value {
            Value::Integer(number) => Content::Integer(number),
            Value::String(string) => Content::Text(self.text(string)),
            Value::Table(table) => Content::Node(self.number(table)),
            Value::Userdata(userdata) => {
                let Value::NativeClosure(inner) = self.heap.user_values(userdata)[0].get() else {
                    panic!("no closure")
                };
                let Value::Table(table) = self.heap.native_values(inner)[1].get() else { panic!("no table") };
                Content::Boxed(self.number(table))
            }
            other => panic!("value {other:?}"),
        }
    }
}

fn run(plan: Plan, changes: usize) {
    for seed in 0..4 {
        let mut test = Test::new(plan, seed * 7919 + 1);
        for change in 0..changes {
            test.change();
            test.safepoint();
            if change % (changes / 20) == 0 {
                test.compare();
            }
        }
        // SAFETY: all nodes in use are in the stack.
        unsafe { test.heap.collect_fully() };
        test.safepoint();
        test.compare();
        assert!(test.finalized.len() > test.finalizable.len() / 2);
        let statistics = test.heap.statistics();
        assert!(statistics.full_collections > 0, "{statistics:?}");
        assert!(statistics.used_bytes < 6 << 20, "{statistics:?}");
    }
}

#[test]
fn stress_at_every_allocation() {
    run(Plan::Stress(1), 3_000);
}

#[test]
fn stress_at_some_allocations() {
    run(Plan::Stress(37), 20_000);
}

#[test]
fn partial_stress() {
    run(Plan::PartialStress(1), 10_000);
    run(Plan::PartialStress(13), 30_000);
}

#[test]
fn automatic() {
    run(Plan::Automatic, 60_000);
}

#[test]
fn incremental() {
    run(Plan::Incremental, 60_000);
}

#[test]
fn generational() {
    run(Plan::Generational, 60_000);
}
