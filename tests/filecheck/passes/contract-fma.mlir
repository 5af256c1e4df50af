// RUN: penstock-opt %s -p contract-fma --split-input-file | filecheck %s

func.func @either_side(%a: f32, %b: f32, %c: f32) -> f32 {
  %p = arith.mulf %a, %b : f32
  %l = arith.addf %p, %c : f32
  %q = arith.mulf %l, %b : f32
  %r = arith.addf %c, %q : f32
  func.return %r : f32
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @either_side(%a: f32, %b: f32, %c: f32) -> f32 {
// CHECK-NEXT:     %l = math.fma %a, %b, %c : f32
// CHECK-NEXT:     %r = math.fma %l, %b, %c : f32
// CHECK-NEXT:     func.return %r : f32
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// The product is needed by itself.
func.func @product_used_twice(%a: f32, %b: f32, %c: f32) -> f32 {
  %p = arith.mulf %a, %b : f32
  %s = arith.addf %p, %c : f32
  %r = arith.subf %s, %p : f32
  func.return %r : f32
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @product_used_twice(%a: f32, %b: f32, %c: f32) -> f32 {
// CHECK-NEXT:     %p = arith.mulf %a, %b : f32
// CHECK-NEXT:     %s = arith.addf %p, %c : f32
// CHECK-NEXT:     %r = arith.subf %s, %p : f32
// CHECK-NEXT:     func.return %r : f32
// CHECK-NEXT:   }
// CHECK-NEXT: }
