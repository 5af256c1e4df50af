// RUN: penstock-opt %s -p split-fma --split-input-file | filecheck %s

builtin.module attributes {nest.machine = {fma = 0 : i64}} {
  func.func @split(%a: f32, %b: f32, %c: f32) -> f32 {
    %r = math.fma %a, %b, %c : f32
    func.return %r : f32
  }
}

// CHECK: builtin.module attributes {nest.machine = {fma = 0 : i64}} {
// CHECK-NEXT:   func.func @split(%a: f32, %b: f32, %c: f32) -> f32 {
// CHECK-NEXT:     %r = arith.mulf %a, %b : f32
// CHECK-NEXT:     %r_1 = arith.addf %r, %c : f32
// CHECK-NEXT:     func.return %r_1 : f32
// CHECK-NEXT:   }
// CHECK-NEXT: }
