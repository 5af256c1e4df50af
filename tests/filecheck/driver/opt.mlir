// RUN: penstock-opt %s -p canonicalize --split-input-file --verify-diagnostics | filecheck %s
// RUN: penstock-opt %s --print-op-generic --split-input-file --verify-diagnostics | filecheck %s --check-prefix=GENERIC

func.func @add_zero(%x: i32) -> i32 {
  %zero = arith.constant 0 : i32
  %sum = arith.addi %x, %zero : i32
  func.return %sum : i32
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @add_zero(%x: i32) -> i32 {
// CHECK-NEXT:     func.return %x : i32
// CHECK-NEXT:   }
// CHECK-NEXT: }

// GENERIC: "builtin.module"() ({
// GENERIC-NEXT:   "func.func"() <{sym_name = "add_zero", function_type = (i32) -> i32}> ({
// GENERIC-NEXT:   ^bb0(%x: i32):
// GENERIC-NEXT:     %zero = "arith.constant"() <{value = 0 : i32}> : () -> i32
// GENERIC-NEXT:     %sum = "arith.addi"(%x, %zero) <{overflowFlags = #arith.overflow<none>}> : (i32, i32) -> i32
// GENERIC-NEXT:     "func.return"(%sum) : (i32) -> ()
// GENERIC-NEXT:   }) : () -> ()
// GENERIC-NEXT: }) : () -> ()

// -----

func.func @types_differ(%x: i32, %y: f32) -> i32 {
  func.return %y : f32
}

// CHECK: Expected arguments to have the same types as the function output types: expected [i32], got [f32]

// GENERIC: Expected arguments to have the same types as the function output types: expected [i32], got [f32]

// -----

func.func @brackets() {
  "test.op"() {pads = [[0, 1], [2, 3]]} : () -> ()
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @brackets() {
// CHECK-NEXT{LITERAL}:     "test.op"() {pads = [[0 : i64, 1 : i64], [2 : i64, 3 : i64]]} : () -> ()
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// GENERIC: "builtin.module"() ({
// GENERIC-NEXT:   "func.func"() <{sym_name = "brackets", function_type = () -> ()}> ({
// GENERIC-NEXT{LITERAL}:     "test.op"() {pads = [[0 : i64, 1 : i64], [2 : i64, 3 : i64]]} : () -> ()
// GENERIC-NEXT:     "func.return"() : () -> ()
// GENERIC-NEXT:   }) : () -> ()
// GENERIC-NEXT: }) : () -> ()
