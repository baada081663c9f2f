;; A splay tree as a cache: nodes come and go, each with a small tree of arrays. The argument of `run` is how many times a
;; node is replaced.
(module
  (type $numbers (array (mut i32)))
  (type $payload (struct (field $left (ref null $payload)) (field $right (ref null $payload))
    (field $numbers (ref null $numbers))))
  (type $node (struct (field $key i32) (field $left (mut (ref null $node))) (field $right (mut (ref null $node)))
    (field $payload (ref null $payload))))
  (global $root (mut (ref null $node)) (ref.null $node))
  (global $seed (mut i32) (i32.const 49734321))

  (func $random (result i32)
    (global.set $seed (i32.add (i32.mul (global.get $seed) (i32.const 1103515245)) (i32.const 12345)))
    (i32.shr_u (global.get $seed) (i32.const 4)))

  (func $make_payload (param $depth i32) (result (ref $payload))
    (if (result (ref $payload)) (local.get $depth)
      (then (struct.new $payload
        (call $make_payload (i32.sub (local.get $depth) (i32.const 1)))
        (call $make_payload (i32.sub (local.get $depth) (i32.const 1)))
        (ref.null $numbers)))
      (else (struct.new $payload (ref.null $payload) (ref.null $payload)
        (array.new_fixed $numbers 10 (i32.const 0) (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4)
          (i32.const 5) (i32.const 6) (i32.const 7) (i32.const 8) (i32.const 9))))))

  ;; Brings the node with the key, or the last one on the way to it, to the root.
  (func $splay (param $key i32)
    (local $head (ref $node)) (local $left (ref $node)) (local $right (ref $node)) (local $current (ref null $node))
    (local $next (ref null $node))
    (local.set $head (struct.new_default $node))
    (local.set $left (local.get $head))
    (local.set $right (local.get $head))
    (local.set $current (global.get $root))
    (block $done
      (loop $again
        (if (i32.lt_s (local.get $key) (struct.get $node $key (local.get $current)))
          (then
            (local.set $next (struct.get $node $left (local.get $current)))
            (br_if $done (ref.is_null (local.get $next)))
            (if (i32.lt_s (local.get $key) (struct.get $node $key (local.get $next)))
              (then
                (struct.set $node $left (local.get $current) (struct.get $node $right (local.get $next)))
                (struct.set $node $right (local.get $next) (local.get $current))
                (local.set $current (local.get $next))
                (br_if $done (ref.is_null (struct.get $node $left (local.get $current))))))
            (struct.set $node $left (local.get $right) (local.get $current))
            (local.set $right (ref.as_non_null (local.get $current)))
            (local.set $current (struct.get $node $left (local.get $current)))
            (br $again)))
        (if (i32.gt_s (local.get $key) (struct.get $node $key (local.get $current)))
          (then
            (local.set $next (struct.get $node $right (local.get $current)))
            (br_if $done (ref.is_null (local.get $next)))
            (if (i32.gt_s (local.get $key) (struct.get $node $key (local.get $next)))
              (then
                (struct.set $node $right (local.get $current) (struct.get $node $left (local.get $next)))
                (struct.set $node $left (local.get $next) (local.get $current))
                (local.set $current (local.get $next))
                (br_if $done (ref.is_null (struct.get $node $right (local.get $current))))))
            (struct.set $node $right (local.get $left) (local.get $current))
            (local.set $left (ref.as_non_null (local.get $current)))
            (local.set $current (struct.get $node $right (local.get $current)))
            (br $again)))))
    (struct.set $node $right (local.get $left) (struct.get $node $left (local.get $current)))
    (struct.set $node $left (local.get $right) (struct.get $node $right (local.get $current)))
    (struct.set $node $left (local.get $current) (struct.get $node $right (local.get $head)))
    (struct.set $node $right (local.get $current) (struct.get $node $left (local.get $head)))
    (global.set $root (local.get $current)))

  (func $key (result i32)
    (struct.get $node $key (global.get $root)))

  ;; Inserts a node with a new key; the key.
  (func $insert (result i32)
    (local $key i32) (local $node (ref $node)) (local $root (ref null $node))
    (loop $again
      (local.set $key (call $random))
      (if (ref.is_null (global.get $root))
        (then
          (global.set $root (struct.new $node (local.get $key) (ref.null $node) (ref.null $node)
            (call $make_payload (i32.const 5))))
          (return (local.get $key))))
      (call $splay (local.get $key))
      (br_if $again (i32.eq (local.get $key) (call $key))))
    (local.set $root (global.get $root))
    (local.set $node (struct.new $node (local.get $key) (ref.null $node) (ref.null $node)
      (call $make_payload (i32.const 5))))
    (if (i32.gt_s (local.get $key) (call $key))
      (then
        (struct.set $node $left (local.get $node) (local.get $root))
        (struct.set $node $right (local.get $node) (struct.get $node $right (local.get $root)))
        (struct.set $node $right (local.get $root) (ref.null $node)))
      (else
        (struct.set $node $right (local.get $node) (local.get $root))
        (struct.set $node $left (local.get $node) (struct.get $node $left (local.get $root)))
        (struct.set $node $left (local.get $root) (ref.null $node))))
    (global.set $root (local.get $node))
    (local.get $key))

  ;; Removes the node whose key is the greatest one below, or the one with the key.
  (func $remove_below (param $key i32) (result i32)
    (local $right (ref null $node)) (local $removed i32)
    (call $splay (local.get $key))
    (if (i32.and (i32.gt_s (call $key) (local.get $key))
          (i32.eqz (ref.is_null (struct.get $node $left (global.get $root)))))
      (then (call $splay (i32.sub (call $key) (i32.const 1)))))
    (local.set $removed (call $key))
    (if (ref.is_null (struct.get $node $left (global.get $root)))
      (then (global.set $root (struct.get $node $right (global.get $root))))
      (else
        (local.set $right (struct.get $node $right (global.get $root)))
        (global.set $root (struct.get $node $left (global.get $root)))
        (call $splay (local.get $removed))
        (struct.set $node $right (global.get $root) (local.get $right))))
    (local.get $removed))

  (func (export "run") (param $count i32) (result i32)
    (local $left i32) (local $sum i32)
    (local.set $left (i32.const 8000))
    (loop $again
      (drop (call $insert))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (loop $replace
      (local.set $sum (i32.add (local.get $sum) (call $remove_below (call $insert))))
      (br_if $replace (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (local.get $sum)))
