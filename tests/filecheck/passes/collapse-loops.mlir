// RUN: penstock-opt %s -p collapse-loops --split-input-file | filecheck %s

func.func @all(%x: memref<2x3x4xf32>, %y: memref<2x3x4xf32>) attributes {nest.kernel} {
  nest.compute [h = 2, w = 3, c = 4] ins(%x["h, w, c"] : memref<2x3x4xf32>) outs(%y["h, w, c"] : memref<2x3x4xf32>) {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
  nest.yield %r : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @all(%x: memref<2x3x4xf32>, %y: memref<2x3x4xf32>) attributes {nest.kernel} {
// CHECK-NEXT{LITERAL}:     %0 = memref.collapse_shape %x [[0 : i64, 1 : i64], [2 : i64]] : memref<2x3x4xf32> into memref<6x4xf32>
// CHECK-NEXT{LITERAL}:     %1 = memref.collapse_shape %y [[0 : i64, 1 : i64], [2 : i64]] : memref<2x3x4xf32> into memref<6x4xf32>
// CHECK-NEXT{LITERAL}:     %2 = memref.collapse_shape %0 [[0 : i64, 1 : i64]] : memref<6x4xf32> into memref<24xf32>
// CHECK-NEXT{LITERAL}:     %3 = memref.collapse_shape %1 [[0 : i64, 1 : i64]] : memref<6x4xf32> into memref<24xf32>
// CHECK-NEXT:     nest.compute [h = 24] ins(%2["h"] : memref<24xf32>) outs(%3["h"] : memref<24xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       %r = math.exp %a : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// A transposed read does not walk the axes in step.
func.func @transposed(%x: memref<3x2xf32>, %y: memref<2x3xf32>) attributes {nest.kernel} {
  nest.compute [h = 2, w = 3] ins(%x["w, h"] : memref<3x2xf32>) outs(%y["h, w"] : memref<2x3xf32>) {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
  nest.yield %r : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @transposed(%x: memref<3x2xf32>, %y: memref<2x3xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [h = 2, w = 3] ins(%x["w, h"] : memref<3x2xf32>) outs(%y["h, w"] : memref<2x3xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       %r = math.exp %a : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
