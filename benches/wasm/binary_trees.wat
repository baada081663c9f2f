;; Binary trees of structures: allocation, and collection beside a tree that lives long. The argument of `run` is the depth.
(module
  (type $tree (struct (field $left (ref null $tree)) (field $right (ref null $tree))))
  (global $long (mut (ref null $tree)) (ref.null $tree))

  (func $make (param $depth i32) (result (ref $tree))
    (if (result (ref $tree)) (local.get $depth)
      (then (struct.new $tree
        (call $make (i32.sub (local.get $depth) (i32.const 1)))
        (call $make (i32.sub (local.get $depth) (i32.const 1)))))
      (else (struct.new_default $tree))))

  (func $check (param $tree (ref null $tree)) (result i32)
    (if (result i32) (ref.is_null (struct.get $tree $left (local.get $tree)))
      (then (i32.const 1))
      (else (i32.add (i32.const 1) (i32.add
        (call $check (struct.get $tree $left (local.get $tree)))
        (call $check (struct.get $tree $right (local.get $tree))))))))

  (func (export "run") (param $most i32) (result i32)
    (local $depth i32) (local $count i32) (local $sum i32)
    (global.set $long (call $make (local.get $most)))
    (local.set $depth (i32.const 4))
    (loop $depths
      (local.set $count (i32.shl (i32.const 1)
        (i32.add (i32.sub (local.get $most) (local.get $depth)) (i32.const 4))))
      (loop $again
        (local.set $sum (i32.add (local.get $sum) (call $check (call $make (local.get $depth)))))
        (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
      (br_if $depths (i32.le_s (local.tee $depth (i32.add (local.get $depth) (i32.const 2))) (local.get $most))))
    (i32.add (local.get $sum) (call $check (global.get $long)))))
