// RUN: penstock-opt %s -p lower-graph-to-nest --split-input-file | filecheck %s

// A value in between becomes a buffer, a result is copied to the buffer that the caller gives.
func.func @matmul(%x: tensor<4x3xf32>) -> tensor<4x2xf32> {
  %w = graph.constant {value = dense<0.5> : tensor<3x2xf32>} -> tensor<3x2xf32>
  %m = graph.matmul %x, %w : tensor<4x3xf32>, tensor<3x2xf32> -> tensor<4x2xf32>
  %y = graph.exp %m : tensor<4x2xf32> -> tensor<4x2xf32>
  func.return %y : tensor<4x2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @matmul(%0: memref<4x3xf32>, %1: memref<4x2xf32>) {
// CHECK-NEXT:     %2 = nest.constant <"constant", "56737f4b21317121"> : memref<3x2xf32>
// CHECK-NEXT:     %3 = memref.alloc() {alignment = 64 : i64} : memref<4x2xf32>
// CHECK-NEXT:     nest.compute [m = 4, n = 2, k = 3 reduce] ins(%0["m, k"] : memref<4x3xf32>, %2["k, n"] : memref<3x2xf32>) outs(%3["m, n"] : memref<4x2xf32>) init(0.000000e+00 : f32) {
// CHECK-NEXT:     ^bb0(%4: f32, %5: f32, %6: f32):
// CHECK-NEXT:       %7 = arith.mulf %4, %5 : f32
// CHECK-NEXT:       %8 = arith.addf %6, %7 : f32
// CHECK-NEXT:       nest.yield %8 : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%9: f32):
// CHECK-NEXT:       nest.yield %9 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     %10 = memref.alloc() {alignment = 64 : i64} : memref<4x2xf32>
// CHECK-NEXT:     nest.compute [d0 = 4, d1 = 2] ins(%3["d0, d1"] : memref<4x2xf32>) outs(%10["d0, d1"] : memref<4x2xf32>) {
// CHECK-NEXT:     ^bb0(%11: f32):
// CHECK-NEXT:       %12 = math.exp %11 : f32
// CHECK-NEXT:       nest.yield %12 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [d0 = 4, d1 = 2] ins(%10["d0, d1"] : memref<4x2xf32>) outs(%1["d0, d1"] : memref<4x2xf32>) {
// CHECK-NEXT:     ^bb0(%13: f32):
// CHECK-NEXT:       nest.yield %13 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Broadcasting is an index map.
func.func @broadcast(%x: tensor<4x3xf32>, %b: tensor<3xf32>) -> tensor<4x3xf32> {
  %y = graph.add %x, %b : tensor<4x3xf32>, tensor<3xf32> -> tensor<4x3xf32>
  func.return %y : tensor<4x3xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @broadcast(%0: memref<4x3xf32>, %1: memref<3xf32>, %2: memref<4x3xf32>) {
// CHECK-NEXT:     %3 = memref.alloc() {alignment = 64 : i64} : memref<4x3xf32>
// CHECK-NEXT:     nest.compute [d0 = 4, d1 = 3] ins(%0["d0, d1"] : memref<4x3xf32>, %1["d1"] : memref<3xf32>) outs(%3["d0, d1"] : memref<4x3xf32>) {
// CHECK-NEXT:     ^bb0(%4: f32, %5: f32):
// CHECK-NEXT:       %6 = arith.addf %4, %5 : f32
// CHECK-NEXT:       nest.yield %6 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [d0 = 4, d1 = 3] ins(%3["d0, d1"] : memref<4x3xf32>) outs(%2["d0, d1"] : memref<4x3xf32>) {
// CHECK-NEXT:     ^bb0(%7: f32):
// CHECK-NEXT:       nest.yield %7 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// What is returned under another shape is made where it is wanted.
func.func @reshaped(%x: tensor<2x6xf32>) -> tensor<3x4xf32> {
  %e = graph.exp %x : tensor<2x6xf32> -> tensor<2x6xf32>
  %y = graph.reshape %e {shape = ["3", "4"]} : tensor<2x6xf32> -> tensor<3x4xf32>
  func.return %y : tensor<3x4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @reshaped(%0: memref<2x6xf32>, %1: memref<3x4xf32>) {
// CHECK-NEXT{LITERAL}:     %2 = memref.collapse_shape %1 [[0 : i64, 1 : i64]] : memref<3x4xf32> into memref<12xf32>
// CHECK-NEXT{LITERAL}:     %3 = memref.expand_shape %2 [[0 : i64, 1 : i64]] output_shape [2, 6] : memref<12xf32> into memref<2x6xf32>
// CHECK-NEXT:     nest.compute [d0 = 2, d1 = 6] ins(%0["d0, d1"] : memref<2x6xf32>) outs(%3["d0, d1"] : memref<2x6xf32>) {
// CHECK-NEXT:     ^bb0(%4: f32):
// CHECK-NEXT:       %5 = math.exp %4 : f32
// CHECK-NEXT:       nest.yield %5 : f32
// CHECK-NEXT:     }
// CHECK-NEXT{LITERAL}:     %6 = memref.collapse_shape %3 [[0 : i64, 1 : i64]] : memref<2x6xf32> into memref<12xf32>
// CHECK-NEXT{LITERAL}:     %7 = memref.expand_shape %6 [[0 : i64, 1 : i64]] output_shape [3, 4] : memref<12xf32> into memref<3x4xf32>
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
