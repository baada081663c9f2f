//! References, structures and arrays in compiled functions: they do what the interpreter does, with collections anywhere.

use super::{ALL, COMPILED, run_frozen};
use lunette::{AfterSnapshot, AsContext, Configuration, Engine, Instance, Jit, webassembly::Module};
use std::sync::{Arc, Mutex};

const MODULE: &str = r#"(module
    (type $numbers (array (mut i32)))
    (type $bytes (array (mut i8)))
    (type $values (array (mut externref)))
    (rec
        (type $shape (sub (struct (field $area (mut f64)) (field $next (mut (ref null $shape))))))
        (type $circle (sub $shape (struct (field (mut f64)) (field (mut (ref null $shape))) (field $radius f32))))
        (type $square (sub $shape (struct (field (mut f64)) (field (mut (ref null $shape))) (field $side i64)
            (field $small (mut i8)) (field $short (mut i16))))))
    (type $tree (struct (field $left (mut (ref null $tree))) (field $right (mut (ref null $tree))) (field $key i32)))
    (type $forest (array (mut (ref null $tree))))
    (type $wide (sub (array eqref)))
    (type $narrow (sub $wide (array (ref null $tree))))
    (type $mixed (array (mut anyref)))
    (type $holder (sub (struct (field $any anyref) (field $tree (mut (ref null $tree))))))
    (type $keeper (sub $holder (struct
        (field $own (ref null $tree)) (field (mut (ref null $tree))) (field $more (mut (ref null struct))))))
    (type $box (struct (field $value (mut externref)) (field $any (mut anyref))))
    (type $measure (func (param (ref $shape)) (result f64)))
    (type $make (func (param i32) (result (ref $shape))))
    (import "host" "pass" (func $pass (param externref) (result externref)))
    (global $root (mut (ref null $tree)) (ref.null $tree))
    (global $shapes (mut (ref null $shape)) (ref.null $shape))
    (global $kept (mut externref) (ref.null extern))
    (elem declare func $area $twice $circle $square)

    ;; A tree that is searched and grown: calls with references, and globals of them.
    (func $insert (param $tree (ref null $tree)) (param $key i32) (result (ref $tree))
        (if (ref.is_null (local.get $tree))
            (then (return (struct.new $tree (ref.null $tree) (ref.null $tree) (local.get $key)))))
        (if (i32.lt_s (local.get $key) (struct.get $tree $key (local.get $tree)))
            (then (struct.set $tree $left (local.get $tree)
                (call $insert (struct.get $tree $left (local.get $tree)) (local.get $key))))
            (else (struct.set $tree $right (local.get $tree)
                (call $insert (struct.get $tree $right (local.get $tree)) (local.get $key)))))
        (ref.as_non_null (local.get $tree)))
    (func $sum (param $tree (ref null $tree)) (param $depth i32) (result i32)
        (if (result i32) (ref.is_null (local.get $tree)) (then (local.get $depth))
            (else (i32.add (i32.mul (struct.get $tree $key (local.get $tree)) (local.get $depth))
                (i32.sub
                    (call $sum (struct.get $tree $left (local.get $tree)) (i32.add (local.get $depth) (i32.const 1)))
                    (call $sum (struct.get $tree $right (local.get $tree)) (i32.add (local.get $depth) (i32.const 3))))))))
    (func (export "trees") (param $count i32) (result i32) (local $seed i32) (local $sum i32)
        (global.set $root (ref.null $tree))
        (local.set $seed (i32.const 12345))
        (loop $again
            (local.set $seed (i32.add (i32.mul (local.get $seed) (i32.const 1103515245)) (i32.const 12345)))
            (global.set $root (call $insert (global.get $root) (i32.shr_u (local.get $seed) (i32.const 8))))
            (if (i32.eqz (i32.and (local.get $count) (i32.const 127)))
                (then (local.set $sum (i32.xor (local.get $sum) (call $sum (global.get $root) (i32.const 1))))))
            (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
        (local.get $sum))

    ;; Subtypes, casts, and calls of functions by reference.
    (func $circle (type $make)
        (struct.new $circle (f64.convert_i32_s (local.get 0)) (global.get $shapes) (f32.convert_i32_u (local.get 0))))
    (func $square (type $make)
        (struct.new $square (f64.const 0.5) (global.get $shapes) (i64.extend_i32_s (local.get 0))
            (i32.mul (local.get 0) (i32.const 37)) (i32.mul (local.get 0) (i32.const -1001))))
    (func $area (type $measure) (struct.get $shape $area (local.get 0)))
    (func $twice (type $measure) (f64.mul (f64.const 2) (struct.get $shape $area (local.get 0))))
    (func $inspect (param $shape (ref null $shape)) (result f64)
        (if (ref.is_null (local.get $shape)) (then (return (f64.const -1))))
        (f64.promote_f32 (struct.get $circle $radius (block $circle (result (ref $circle))
            (drop (br_on_cast $circle (ref null $shape) (ref $circle) (local.get $shape)))
            (if (ref.test (ref $square) (local.get $shape)) (then (return (f64.add
                (f64.convert_i64_s (struct.get $square $side (ref.cast (ref $square) (local.get $shape))))
                (f64.convert_i32_s (i32.add
                    (struct.get_s $square $small (ref.cast (ref $square) (local.get $shape)))
                    (struct.get_u $square $short (ref.cast (ref null $square) (local.get $shape)))))))))
            (return (f64.const -2))))))
    (func (export "shapes") (param $count i32) (result f64)
        (local $sum f64) (local $make (ref null $make)) (local $measure (ref null $measure)) (local $i i32)
        (local $shape (ref null $shape)) (local $last (ref null $shape))
        (global.set $shapes (ref.null $shape))
        (loop $again
            (local.set $make (select (result (ref $make)) (ref.func $circle) (ref.func $square)
                (i32.rem_u (local.get $i) (i32.const 3))))
            (local.set $measure (select (result (ref $measure)) (ref.func $area) (ref.func $twice)
                (i32.and (local.get $i) (i32.const 1))))
            (local.set $shape (call_ref $make (local.get $i) (local.get $make)))
            (if (i32.and (local.get $i) (i32.const 15)) (then (global.set $shapes (local.get $shape)))
                (else (global.set $shapes (ref.null $shape))))
            (local.set $sum (f64.add (local.get $sum)
                (call_ref $measure (ref.as_non_null (local.get $shape)) (local.get $measure))))
            (local.set $sum (f64.add (local.get $sum) (call $inspect (local.get $shape))))
            (local.set $sum (f64.add (local.get $sum) (call $inspect (struct.get $shape $next (local.get $shape)))))
            (if (ref.eq (local.get $last) (struct.get $shape $next (local.get $shape)))
                (then (local.set $sum (f64.add (local.get $sum) (f64.const 0.25)))))
            (struct.set $shape $area (local.get $shape) (local.get $sum))
            (local.set $last (local.get $shape))
            (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $count))))
        (local.get $sum))

    ;; Arrays of numbers and of references.
    (func (export "arrays") (param $count i32) (result i32)
        (local $numbers (ref null $numbers)) (local $bytes (ref null $bytes)) (local $i i32) (local $sum i32)
        (local.set $bytes (array.new_default $bytes (i32.const 100)))
        (loop $again
            (local.set $numbers (array.new_fixed $numbers 3 (local.get $i) (local.get $sum) (i32.const -7)))
            (array.set $numbers (local.get $numbers) (i32.rem_u (local.get $i) (i32.const 3)) (i32.const 1000))
            (array.set $bytes (local.get $bytes) (i32.rem_u (local.get $sum) (i32.const 100)) (local.get $i))
            (local.set $sum (i32.add (local.get $sum) (i32.add
                (array.get $numbers (local.get $numbers) (i32.rem_u (local.get $sum) (i32.const 3)))
                (i32.add (array.get_s $bytes (local.get $bytes) (i32.rem_u (local.get $i) (i32.const 100)))
                    (array.get_u $bytes (local.get $bytes) (i32.rem_u (local.get $i) (array.len (local.get $bytes))))))))
            (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $count))))
        (local.get $sum))

    ;; References that can only be to objects, in fields, in elements, and in a field of which the supertype knows less.
    (func (export "forests") (param $count i32) (result i32)
        (local $forest (ref null $forest)) (local $pair (ref null $forest)) (local $keeper (ref null $keeper))
        (local $tree (ref null $tree)) (local $sum i32) (local $mixed (ref null $mixed)) (local $narrow (ref null $narrow))
        (local.set $mixed (array.new_default $mixed (i32.const 8)))
        (local.set $forest (array.new_default $forest (i32.const 7)))
        (loop $again
            (local.set $tree (struct.new $tree (local.get $tree)
                (array.get $forest (local.get $forest) (i32.rem_u (local.get $count) (i32.const 7))) (local.get $count)))
            (if (i32.eqz (i32.and (local.get $count) (i32.const 31))) (then (local.set $tree (ref.null $tree))))
            (array.set $forest (local.get $forest)
                (i32.rem_u (i32.mul (local.get $count) (i32.const 3)) (i32.const 7)) (local.get $tree))
            (local.set $keeper (struct.new $keeper (local.get $tree)
                (array.get $forest (local.get $forest) (i32.rem_u (local.get $count) (i32.const 5))) (local.get $tree)))
            (if (i32.eqz (ref.is_null (struct.get $keeper $own (local.get $keeper))))
                (then (local.set $sum (i32.add (local.get $sum)
                    (struct.get $tree $key (struct.get $keeper $own (local.get $keeper)))))))
            (if (ref.test (ref $tree) (struct.get $holder $any (local.get $keeper)))
                (then (local.set $sum (i32.xor (local.get $sum) (i32.mul (i32.const 5)
                    (struct.get $tree $key (ref.cast (ref $tree) (struct.get $holder $any (local.get $keeper)))))))))
            (if (ref.is_null (struct.get $keeper $more (local.get $keeper)))
                (then (struct.set $keeper $more (local.get $keeper) (local.get $keeper)))
                (else (local.set $sum (i32.add (local.get $sum) (i32.const 11)))))
            (if (ref.eq (struct.get $keeper $more (local.get $keeper)) (local.get $keeper))
                (then (local.set $sum (i32.add (local.get $sum) (i32.const 1)))))
            (local.set $pair (array.new_fixed $forest 2
                (struct.get $holder $tree (local.get $keeper)) (struct.get $tree $left (array.get $forest
                    (array.new_fixed $forest 1 (struct.new_default $tree)) (i32.const 0)))))
            (if (ref.is_null (array.get $forest (local.get $pair) (i32.and (local.get $count) (i32.const 1))))
                (then (local.set $pair (ref.null $forest))))
            ;; Elements that are known to be objects, and such that are not, or were not by the supertype.
            (array.copy $mixed $forest (local.get $mixed) (i32.const 1) (local.get $forest) (i32.const 0) (i32.const 7))
            (if (ref.is_null (array.get $mixed (local.get $mixed)
                    (i32.add (i32.const 1) (i32.rem_u (local.get $count) (i32.const 7)))))
                (then (local.set $sum (i32.add (local.get $sum) (i32.const 17))))
                (else (local.set $sum (i32.sub (local.get $sum) (struct.get $tree $key (ref.cast (ref $tree)
                    (array.get $mixed (local.get $mixed)
                        (i32.add (i32.const 1) (i32.rem_u (local.get $count) (i32.const 7))))))))))
            (local.set $narrow (array.new_fixed $narrow 2 (local.get $tree) (ref.null $tree)))
            (array.copy $forest $narrow (local.get $forest)
                (i32.rem_u (local.get $count) (i32.const 6)) (local.get $narrow) (i32.const 0) (i32.const 2))
            (if (ref.eq (array.get $wide (local.get $narrow) (i32.const 0))
                    (array.get $forest (local.get $forest) (i32.rem_u (local.get $count) (i32.const 6))))
                (then (local.set $sum (i32.add (local.get $sum) (i32.const 1)))))
            (struct.set $holder $tree (local.get $keeper) (ref.null $tree))
            (if (ref.is_null (struct.get $holder $tree (local.get $keeper)))
                (then (local.set $sum (i32.mul (local.get $sum) (i32.const 3)))))
            (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
        (local.get $sum))

    ;; Whatever Lua has, in fields, elements and globals: numbers that do not fit into half a slot as well.
    (func $boxed (param $value externref) (result externref) (local $box (ref null $box)) (local $values (ref null $values))
        (local.set $box (struct.new $box (local.get $value) (any.convert_extern (local.get $value))))
        (local.set $values (array.new_fixed $values 3
            (struct.get $box $value (local.get $box)) (extern.convert_any (struct.get $box $any (local.get $box)))
            (global.get $kept)))
        (struct.set $box $value (local.get $box) (array.get $values (local.get $values) (i32.const 1)))
        (array.set $values (local.get $values) (i32.const 2) (struct.get $box $value (local.get $box)))
        (global.set $kept (array.get $values (local.get $values) (i32.const 2)))
        (call $pass (array.get $values (local.get $values) (i32.const 0))))
    (func (export "boxes") (param $value externref) (param $count i32) (result externref)
        (loop $again
            (local.set $value (call $boxed (local.get $value)))
            (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
        (local.get $value))
    (func (export "small") (param $count i32) (result i32) (local $box (ref null $box)) (local $sum i32)
        (local.set $box (struct.new_default $box))
        (loop $again
            (struct.set $box $any (local.get $box) (ref.i31 (i32.mul (local.get $sum) (i32.const 77777))))
            (local.set $sum (i32.add (local.get $sum) (i32.add (local.get $count)
                (i31.get_s (ref.cast (ref i31) (struct.get $box $any (local.get $box)))))))
            (local.set $sum (i32.xor (local.get $sum)
                (i31.get_u (ref.cast i31ref (struct.get $box $any (local.get $box))))))
            (if (ref.test (ref eq) (struct.get $box $any (local.get $box)))
                (then (local.set $sum (i32.add (local.get $sum) (i32.const 1)))))
            (if (ref.test (ref struct) (struct.get $box $any (local.get $box)))
                (then (local.set $sum (i32.const 0))))
            (struct.set $box $any (local.get $box) (local.get $box))
            (if (i32.and (ref.test (ref struct) (struct.get $box $any (local.get $box)))
                    (i32.eqz (ref.test arrayref (struct.get $box $any (local.get $box)))))
                (then (local.set $sum (i32.add (local.get $sum) (i32.const 5)))))
            (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
        (local.get $sum))

    ;; What traps: a null, an index, a cast.
    (func (export "failing") (param $count i32) (param $how i32) (result i32)
        (local $tree (ref null $tree)) (local $numbers (ref null $numbers)) (local $any anyref) (local $sum i32)
        (local.set $numbers (array.new_fixed $numbers 2 (i32.const 3) (i32.const 4)))
        (loop $again
            (local.set $tree (struct.new $tree (local.get $tree) (ref.null $tree) (local.get $count)))
            (if (i32.eqz (i32.and (local.get $count) (i32.const 63))) (then (local.set $tree (ref.null $tree))))
            (local.set $any (local.get $tree))
            (if (i32.eq (local.get $count) (i32.const 1)) (then
                (if (i32.eq (local.get $how) (i32.const 1)) (then (local.set $tree (ref.null $tree))))
                (if (i32.eq (local.get $how) (i32.const 2)) (then (local.set $any (local.get $numbers))))
                (if (i32.eq (local.get $how) (i32.const 3)) (then (local.set $numbers (ref.null $numbers))))))
            (local.set $sum (i32.add (local.get $sum) (i32.add
                (if (result i32) (i32.and (local.get $count) (i32.const 63))
                    (then (struct.get $tree $key (local.get $tree))) (else (i32.const 0)))
                (array.get $numbers (local.get $numbers)
                    (select (i32.const 2) (i32.and (local.get $count) (i32.const 1))
                        (i32.and (i32.eq (local.get $how) (i32.const 4)) (i32.eq (local.get $count) (i32.const 1))))))))
            (drop (ref.cast (ref null $tree) (local.get $any)))
            (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
        (local.get $sum)))"#;

fn instance(configuration: Configuration) -> Instance {
    let mut instance = Engine::new(configuration).instantiate().unwrap();
    let file = wat::parse_str(MODULE).unwrap();
    let imports: lunette::Table = instance.eval("return {host = {pass = function(value) return value end}}").unwrap();
    let module = Module::new(&mut instance, file, "@objects.wasm").unwrap();
    let exports = module.instantiate(&mut instance, Some(&imports)).unwrap();
    let table = exports.table().clone();
    instance.set("m", table).unwrap();
    instance
}

/// What a program returns, and the fuel and the collections that it takes, in every tier, with collections now and then or often.
fn in_all_tiers<T: lunette::FromLuaMulti + PartialEq + std::fmt::Debug>(program: &str) -> T {
    let run = |jit, stress| {
        let mut instance =
            instance(Configuration::new().jit(jit).collection_stress(stress).background_compilation(false));
        let result: T = instance.eval(program).unwrap();
        let statistics = instance.statistics();
        assert_eq!(statistics.native_functions > 0, jit != Jit::Off, "{jit:?}: {program}");
        (result, statistics.fuel_used, statistics.minor_collections, statistics.full_collections)
    };
    let [interpreted, stressed] = [0, 97].map(|stress| run(Jit::Off, stress));
    for jit in ALL {
        assert_eq!(run(jit, 0), interpreted, "{jit:?}: {program}");
        assert_eq!(run(jit, 97), stressed, "{jit:?}, under stress: {program}");
    }
    assert!(interpreted.0 == stressed.0, "under stress: {program}");
    interpreted.0
}

#[test]
fn results_and_fuel_are_those_of_the_interpreter() {
    in_all_tiers::<i64>("return m.trees(3000)");
    in_all_tiers::<f64>("return m.shapes(20000)");
    in_all_tiers::<i64>("return m.arrays(20000)");
    in_all_tiers::<i64>("return m.small(20000)");
    in_all_tiers::<i64>("return m.forests(20000)");
}

#[test]
fn whatever_lua_has_can_be_held() {
    let all_there: bool = in_all_tiers(
        "local values = {0, -1, 1 << 31, -(1 << 31), math.mininteger, 0.5, -0.0, 1e300, 'text', m, print, true, false}
        for _, value in ipairs(values) do
            local result = m.boxes(value, 3000)
            if result ~= value or math.type(result) ~= math.type(value) then return false end
        end
        return m.boxes(nil, 3000) == nil",
    );
    assert!(all_there);
}

#[test]
fn traps_are_those_of_the_interpreter() {
    for (how, message) in [
        (1, "null structure reference"),
        (2, "cast failure"),
        (3, "null array reference"),
        (4, "out of bounds array access"),
    ] {
        let found: String = in_all_tiers(&format!(
            "m.failing(20000, 0) return select(2, xpcall(m.failing, function(message)
                return debug.traceback(tostring(message)) end, 20000, {how}))"
        ));
        assert!(found.contains(message), "{found}");
    }
}

#[test]
fn loops_with_objects_can_be_frozen() {
    let program =
        "return m.trees(300) + m.shapes(300) + m.arrays(300) + m.small(300) + m.boxes(0.5, 50) + m.failing(99, 0)
            + m.forests(100)";
    let expected: f64 = instance(Configuration::new().jit(Jit::Off)).eval(program).unwrap();
    for jit in COMPILED {
        let start = instance(Configuration::new().jit(jit).snapshot_interval(13));
        let mut running = run_frozen(start, jit, &program.replace("return", "result ="));
        assert_eq!(running.eval::<f64>("return result").unwrap(), expected, "{jit:?}");
    }
}

/// What was found out of a reference before a call holds behind it, but an image may have another one there.
#[test]
fn frames_of_hostile_images_are_looked_at() {
    const MODULE: &str = r#"(module
        (type $number (struct (field (mut i64))))
        (type $node (struct (field (mut (ref null $number)))))
        (import "host" "freeze" (func $freeze))
        (func $use (param $node (ref $node)) (param $number (ref $number)) (param $depth i32) (result i64)
            (if (i32.lt_s (local.get $depth) (i32.const 0)) (then (return (i64.const 0))))
            (if (i32.eqz (local.get $depth)) (then (call $freeze)
                ;; So that it is compiled where the image is restored.
                (local.set $depth (i32.const 20000))
                (loop $again
                    (drop (call $use (local.get $node) (local.get $number) (i32.const -1)))
                    (br_if $again (local.tee $depth (i32.sub (local.get $depth) (i32.const 1)))))
                (return (i64.const 0))))
            (i64.add
                (i64.mul (struct.get $number 0 (struct.get $node 0 (local.get $node)))
                    (struct.get $number 0 (local.get $number)))
                (i64.add
                    (call $use (local.get $node) (local.get $number) (i32.sub (local.get $depth) (i32.const 1)))
                    (i64.rotl
                        (block (result i64)
                            (struct.set $node 0 (local.get $node) (local.get $number))
                            ;; No number is a reference: its tag, and where the object is.
                            (br_if 0 (i64.mul (struct.get $number 0 (local.get $number)) (i64.const 3)) (i64.ne
                                (i64.shr_u (struct.get $number 0 (local.get $number)) (i64.const 32)) (i64.const 26)))
                            (unreachable))
                        (struct.get $number 0 (struct.get $node 0 (local.get $node)))))))
        (func (export "use") (result i64)
            (call $use (struct.new $node (struct.new $number (i64.const 1)))
                (struct.new $number (i64.const 7)) (i32.const 3))))"#;
    let mut instance = Engine::new(Configuration::new().jit(Jit::On)).instantiate().unwrap();
    let imports: lunette::Table = instance.eval("return {host = {freeze = lunette.snapshot}}").unwrap();
    let module = Module::new(&mut instance, wat::parse_str(MODULE).unwrap(), "@hostile.wasm").unwrap();
    let table = module.instantiate(&mut instance, Some(&imports)).unwrap().table().clone();
    instance.set("m", table).unwrap();
    let image = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&image);
    instance.on_snapshot(move |snapshot| {
        snapshot.write(&mut *kept.lock().unwrap())?;
        Ok(AfterSnapshot::GoOn)
    });
    let expected: i64 = instance.eval("return m.use()").unwrap();
    let image = std::mem::take(&mut *image.lock().unwrap());
    let engine = Engine::new(Configuration::new().fuel(2_000_000).background_compilation(false));
    let run = |image: &[u8]| {
        let content = &image[..image.len() - 8];
        let sum = lunette_interpreter::image::checksum(content).to_le_bytes();
        let mut instance = engine.restore(&[content, &sum].concat()[..])?;
        Ok::<_, lunette::Error>((instance.resume::<i64>()?, instance.statistics().native_functions > 0))
    };
    assert_eq!(run(&image).unwrap(), (expected, true));
    let mut caught = 0;
    for place in image.len().saturating_sub(400)..image.len() - 8 {
        for change in [1, 2, 0xfe, 0xff] {
            let mut hostile = image.clone();
            hostile[place] = hostile[place].wrapping_add(change);
            let message = run(&hostile).map_or_else(|error| error.to_string(), |_| String::new());
            assert!(!message.contains("unreachable"), "byte {place}: a reference was read as a number");
            caught += u32::from(message.contains("a reference is of another type"));
        }
    }
    assert!(caught > 0, "no reference was exchanged");
}
