// RUN: penstock-opt %s -p drop-unit-loops --split-input-file | filecheck %s

func.func @unit(%x: memref<1x4xf32>, %y: memref<1x4xf32>) {
  nest.compute [n = 1, c = 4] ins(%x["n, c"] : memref<1x4xf32>) outs(%y["n, c"] : memref<1x4xf32>) {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
    nest.yield %r : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @unit(%x: memref<1x4xf32>, %y: memref<1x4xf32>) {
// CHECK-NEXT:     nest.compute [c = 4] ins(%x["0, c"] : memref<1x4xf32>) outs(%y["0, c"] : memref<1x4xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       %r = math.exp %a : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @no_unit(%x: memref<2x4xf32>, %y: memref<2x4xf32>) {
  nest.compute [n = 2, c = 4] ins(%x["n, c"] : memref<2x4xf32>) outs(%y["n, c"] : memref<2x4xf32>) {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
    nest.yield %r : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @no_unit(%x: memref<2x4xf32>, %y: memref<2x4xf32>) {
// CHECK-NEXT:     nest.compute [n = 2, c = 4] ins(%x["n, c"] : memref<2x4xf32>) outs(%y["n, c"] : memref<2x4xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       %r = math.exp %a : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
