// RUN: penstock-opt %s -p assign-layout | filecheck %s

func.func @main(%x: tensor<1x32x8x8xui8>, %w: tensor<32x32x3x3xi8>, %xz: tensor<ui8>, %wz: tensor<32x1x1x1xi8>, %s: tensor<32x1x1xf32>) -> tensor<1x32x8x8xui8> {
  %c = quant.conv %x, %w zeros %xz, %wz {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : tensor<1x32x8x8xui8>, tensor<32x32x3x3xi8> zeros tensor<ui8>, tensor<32x1x1x1xi8> -> tensor<1x32x8x8xi32>
  %y = quant.requantize %c, %s, %xz : tensor<1x32x8x8xi32>, tensor<32x1x1xf32>, tensor<ui8> -> tensor<1x32x8x8xui8>
  func.return %y : tensor<1x32x8x8xui8>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @main(%x: tensor<1x32x8x8xui8>, %w: tensor<32x32x3x3xi8>, %xz: tensor<ui8>, %wz: tensor<32x1x1x1xi8>, %s: tensor<32x1x1xf32>) -> tensor<1x32x8x8xui8> {
// CHECK-NEXT:     %0 = graph.transpose %x {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x32x8x8xui8> -> tensor<1x8x8x32xui8>
// CHECK-NEXT:     %1 = quant.conv %0, %w zeros %xz, %wz {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "nhwc"} : tensor<1x8x8x32xui8>, tensor<32x32x3x3xi8> zeros tensor<ui8>, tensor<32x1x1x1xi8> -> tensor<1x8x8x32xi32>
// CHECK-NEXT:     %2 = graph.reshape %s {shape = [1 : i64, 32 : i64, 1 : i64, 1 : i64]} : tensor<32x1x1xf32> -> tensor<1x32x1x1xf32>
// CHECK-NEXT:     %3 = graph.reshape %2 {shape = [1 : i64, 1 : i64, 1 : i64, 32 : i64]} : tensor<1x32x1x1xf32> -> tensor<1x1x1x32xf32>
// CHECK-NEXT:     %4 = quant.requantize %1, %3, %xz : tensor<1x8x8x32xi32>, tensor<1x1x1x32xf32>, tensor<ui8> -> tensor<1x8x8x32xui8>
// CHECK-NEXT:     %5 = graph.transpose %4 {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x8x8x32xui8> -> tensor<1x32x8x8xui8>
// CHECK-NEXT:     func.return %5 : tensor<1x32x8x8xui8>
// CHECK-NEXT:   }
// CHECK-NEXT: }
