// RUN: penstock-opt %s -p settle-hints --split-input-file | filecheck %s

// One size follows from two others.
builtin.module attributes {graph.requires = ["new + past == total"], nest.hints = {new = 1 : i64, past = 128 : i64, total = 128 : i64}} {
}

// CHECK: builtin.module attributes {graph.requires = ["new + past == total"], nest.hints = {new = 1 : i64, past = 128 : i64, total = 129 : i64}} {
// CHECK-NEXT: }

// -----

// A greatest size.
builtin.module attributes {graph.requires = ["n <= 64"], nest.hints = {n = 128 : i64}} {
}

// CHECK: builtin.module attributes {graph.requires = ["n <= 64"], nest.hints = {n = 64 : i64}} {
// CHECK-NEXT: }

// -----

// The next size that is even.
builtin.module attributes {graph.requires = ["2*(h//2) == h"], nest.hints = {h = 33 : i64}} {
}

// CHECK: builtin.module attributes {graph.requires = ["2*(h//2) == h"], nest.hints = {h = 34 : i64}} {
// CHECK-NEXT: }

// -----

// No size will do.
builtin.module attributes {graph.requires = ["n + 3 <= 2"], nest.hints = {n = 128 : i64}} {
}

// CHECK: builtin.module attributes {graph.requires = ["n + 3 <= 2"], nest.hints = {n = 128 : i64}} {
// CHECK-NEXT: }

// -----

// A buffer has no fewer than 0 elements.
builtin.module attributes {nest.hints = {n = 1 : i64}} {
  func.func @main(%x: memref<?xf32, #nest.sizes<["n - 4"]>>, %n: index {nest.symbol = "n"}) {
    func.return
  }
}

// CHECK: builtin.module attributes {nest.hints = {n = 4 : i64}} {
// CHECK-NEXT:   func.func @main(%x: memref<?xf32, #nest.sizes<["n - 4"]>>, %n: index {nest.symbol = "n"}) {
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
