// RUN: penstock-opt %s -p lower-graph-to-nest --split-input-file | filecheck %s

// A zero point that is known is what padding holds, and a number in the body.
func.func @main(%x: tensor<1x2x4xui8>, %w: tensor<3x2x3xi8>, %wz: tensor<3x1x1xi8>) -> tensor<1x3x4xi32> {
  %xz = graph.constant {value = dense<7> : tensor<ui8>} -> tensor<ui8>
  %y = quant.conv %x, %w zeros %xz, %wz {strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, groups = 1 : i64} : tensor<1x2x4xui8>, tensor<3x2x3xi8> zeros tensor<ui8>, tensor<3x1x1xi8> -> tensor<1x3x4xi32>
  func.return %y : tensor<1x3x4xi32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @main(%0: memref<1x2x4xi8>, %1: memref<3x2x3xi8>, %2: memref<3x1x1xi8>, %3: memref<1x3x4xi32>) {
// CHECK-NEXT:     %4 = nest.constant <"constant", "dc780eaf48f1f451"> : memref<i8>
// CHECK-NEXT:     %5 = memref.alloc() {alignment = 64 : i64} : memref<1x3x4xi32>
// CHECK-NEXT:     nest.compute [n = 1, o0 = 4, g = 1, oc = 3, k0 = 3 reduce, ic = 2 reduce] ins(%0["n, 2*g + ic, o0 + k0 - 1"] else 7 : i8 : memref<1x2x4xi8>, %1["3*g + oc, ic, k0"] : memref<3x2x3xi8>, %2["3*g + oc, 0, 0"] : memref<3x1x1xi8>) outs(%5["n, 3*g + oc, o0"] : memref<1x3x4xi32>) init(0 : i32) {
// CHECK-NEXT:     ^bb0(%6: i8, %7: i8, %8: i8, %9: i32):
// CHECK-NEXT:       %10 = arith.extui %6 : i8 to i32
// CHECK-NEXT:       %11 = arith.constant 7 : i32
// CHECK-NEXT:       %12 = arith.subi %10, %11 : i32
// CHECK-NEXT:       %13 = arith.extsi %7 : i8 to i32
// CHECK-NEXT:       %14 = arith.extsi %8 : i8 to i32
// CHECK-NEXT:       %15 = arith.subi %13, %14 : i32
// CHECK-NEXT:       %16 = arith.muli %12, %15 : i32
// CHECK-NEXT:       %17 = arith.addi %9, %16 : i32
// CHECK-NEXT:       nest.yield %17 : i32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%18: i32):
// CHECK-NEXT:       nest.yield %18 : i32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [d0 = 1, d1 = 3, d2 = 4] ins(%5["d0, d1, d2"] : memref<1x3x4xi32>) outs(%3["d0, d1, d2"] : memref<1x3x4xi32>) {
// CHECK-NEXT:     ^bb0(%19: i32):
// CHECK-NEXT:       nest.yield %19 : i32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// A code of four bits has the low half of a byte.
func.func @main(%x: tensor<8xi4>) -> tensor<8xi8> {
  %y = graph.cast %x {to = i8} : tensor<8xi4> -> tensor<8xi8>
  func.return %y : tensor<8xi8>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @main(%0: memref<8xi8>, %1: memref<8xi8>) {
// CHECK-NEXT:     %2 = memref.alloc() {alignment = 64 : i64} : memref<8xi8>
// CHECK-NEXT:     nest.compute [d0 = 8] ins(%0["d0"] : memref<8xi8>) outs(%2["d0"] : memref<8xi8>) {
// CHECK-NEXT:     ^bb0(%3: i8):
// CHECK-NEXT:       %4 = arith.constant 4 : i8
// CHECK-NEXT:       %5 = arith.shli %3, %4 : i8
// CHECK-NEXT:       %6 = arith.shrsi %5, %4 : i8
// CHECK-NEXT:       nest.yield %6 : i8
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [d0 = 8] ins(%2["d0"] : memref<8xi8>) outs(%1["d0"] : memref<8xi8>) {
// CHECK-NEXT:     ^bb0(%7: i8):
// CHECK-NEXT:       nest.yield %7 : i8
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @main(%x: tensor<8xi32>, %s: tensor<f32>) -> tensor<8xui8> {
  %z = graph.constant {value = dense<128> : tensor<ui8>} -> tensor<ui8>
  %y = quant.requantize %x, %s, %z : tensor<8xi32>, tensor<f32>, tensor<ui8> -> tensor<8xui8>
  func.return %y : tensor<8xui8>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @main(%0: memref<8xi32>, %1: memref<f32>, %2: memref<8xi8>) {
// CHECK-NEXT:     %3 = nest.constant <"constant", "b1e258638d9788b5"> : memref<i8>
// CHECK-NEXT:     %4 = memref.alloc() {alignment = 64 : i64} : memref<8xi8>
// CHECK-NEXT:     nest.compute [d0 = 8] ins(%0["d0"] : memref<8xi32>, %1[""] : memref<f32>) outs(%4["d0"] : memref<8xi8>) {
// CHECK-NEXT:     ^bb0(%5: i32, %6: f32):
// CHECK-NEXT:       %7 = arith.constant -128 : i8
// CHECK-NEXT:       %8 = arith.sitofp %5 : i32 to f32
// CHECK-NEXT:       %9 = arith.mulf %8, %6 : f32
// CHECK-NEXT:       %10 = math.roundeven %9 : f32
// CHECK-NEXT:       %11 = arith.constant 0xC9800000 : f32
// CHECK-NEXT:       %12 = arith.cmpf olt, %10, %11 : f32
// CHECK-NEXT:       %13 = arith.select %12, %11, %10 : f32
// CHECK-NEXT:       %14 = arith.constant 0x49800000 : f32
// CHECK-NEXT:       %15 = arith.cmpf ogt, %13, %14 : f32
// CHECK-NEXT:       %16 = arith.select %15, %14, %13 : f32
// CHECK-NEXT:       %17 = arith.cmpf oeq, %16, %16 : f32
// CHECK-NEXT:       %18 = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:       %19 = arith.select %17, %16, %18 : f32
// CHECK-NEXT:       %20 = arith.fptosi %19 : f32 to i32
// CHECK-NEXT:       %21 = arith.extui %7 : i8 to i32
// CHECK-NEXT:       %22 = arith.addi %20, %21 : i32
// CHECK-NEXT:       %23 = arith.constant 0 : i32
// CHECK-NEXT:       %24 = arith.cmpi slt, %22, %23 : i32
// CHECK-NEXT:       %25 = arith.select %24, %23, %22 : i32
// CHECK-NEXT:       %26 = arith.constant 255 : i32
// CHECK-NEXT:       %27 = arith.cmpi sgt, %25, %26 : i32
// CHECK-NEXT:       %28 = arith.select %27, %26, %25 : i32
// CHECK-NEXT:       %29 = arith.trunci %28 : i32 to i8
// CHECK-NEXT:       nest.yield %29 : i8
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [d0 = 8] ins(%4["d0"] : memref<8xi8>) outs(%2["d0"] : memref<8xi8>) {
// CHECK-NEXT:     ^bb0(%30: i8):
// CHECK-NEXT:       nest.yield %30 : i8
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
