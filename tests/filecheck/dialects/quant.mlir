// RUN: penstock-opt %s | filecheck %s

func.func @scaling(%x: tensor<2x3xf32>, %s: tensor<3xf32>, %z: tensor<3xui8>) -> tensor<2x3xf32> {
  %q = quant.quantize %x, %s, %z {rounding = "half_away"} : tensor<2x3xf32>, tensor<3xf32>, tensor<3xui8> -> tensor<2x3xui8>
  %y = quant.dequantize %q, %s, %z : tensor<2x3xui8>, tensor<3xf32>, tensor<3xui8> -> tensor<2x3xf32>
  func.return %y : tensor<2x3xf32>
}

func.func @products(%x: tensor<1x1x4x4xui8>, %w: tensor<2x1x3x3xi8>, %b: tensor<2xi32>, %xz: tensor<ui8>, %wz: tensor<i8>, %s: tensor<f32>) -> tensor<1x2x2x2xui8> {
  %c = quant.conv %x, %w zeros %xz, %wz bias %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : tensor<1x1x4x4xui8>, tensor<2x1x3x3xi8> zeros tensor<ui8>, tensor<i8> bias tensor<2xi32> -> tensor<1x2x2x2xi32>
  %y = quant.requantize %c, %s, %xz : tensor<1x2x2x2xi32>, tensor<f32>, tensor<ui8> -> tensor<1x2x2x2xui8>
  func.return %y : tensor<1x2x2x2xui8>
}

func.func @without_bias(%x: tensor<1x1x4xi8>, %w: tensor<2x1x3xi8>, %z: tensor<i8>) -> tensor<1x2x2xi32> {
  %y = quant.conv %x, %w zeros %z, %z {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : tensor<1x1x4xi8>, tensor<2x1x3xi8> zeros tensor<i8>, tensor<i8> -> tensor<1x2x2xi32>
  func.return %y : tensor<1x2x2xi32>
}

func.func @product(%a: tensor<2x3xui8>, %b: tensor<3x4xi8>, %az: tensor<2x1xui8>, %bz: tensor<i8>) -> tensor<2x4xi32> {
  %y = quant.matmul %a, %b, %az, %bz : tensor<2x3xui8>, tensor<3x4xi8>, tensor<2x1xui8>, tensor<i8> -> tensor<2x4xi32>
  func.return %y : tensor<2x4xi32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @scaling(%x: tensor<2x3xf32>, %s: tensor<3xf32>, %z: tensor<3xui8>) -> tensor<2x3xf32> {
// CHECK-NEXT:     %q = quant.quantize %x, %s, %z {rounding = "half_away"} : tensor<2x3xf32>, tensor<3xf32>, tensor<3xui8> -> tensor<2x3xui8>
// CHECK-NEXT:     %y = quant.dequantize %q, %s, %z : tensor<2x3xui8>, tensor<3xf32>, tensor<3xui8> -> tensor<2x3xf32>
// CHECK-NEXT:     func.return %y : tensor<2x3xf32>
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @products(%x: tensor<1x1x4x4xui8>, %w: tensor<2x1x3x3xi8>, %b: tensor<2xi32>, %xz: tensor<ui8>, %wz: tensor<i8>, %s: tensor<f32>) -> tensor<1x2x2x2xui8> {
// CHECK-NEXT:     %c = quant.conv %x, %w zeros %xz, %wz bias %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : tensor<1x1x4x4xui8>, tensor<2x1x3x3xi8> zeros tensor<ui8>, tensor<i8> bias tensor<2xi32> -> tensor<1x2x2x2xi32>
// CHECK-NEXT:     %y = quant.requantize %c, %s, %xz : tensor<1x2x2x2xi32>, tensor<f32>, tensor<ui8> -> tensor<1x2x2x2xui8>
// CHECK-NEXT:     func.return %y : tensor<1x2x2x2xui8>
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @without_bias(%x: tensor<1x1x4xi8>, %w: tensor<2x1x3xi8>, %z: tensor<i8>) -> tensor<1x2x2xi32> {
// CHECK-NEXT:     %y = quant.conv %x, %w zeros %z, %z {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : tensor<1x1x4xi8>, tensor<2x1x3xi8> zeros tensor<i8>, tensor<i8> -> tensor<1x2x2xi32>
// CHECK-NEXT:     func.return %y : tensor<1x2x2xi32>
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @product(%a: tensor<2x3xui8>, %b: tensor<3x4xi8>, %az: tensor<2x1xui8>, %bz: tensor<i8>) -> tensor<2x4xi32> {
// CHECK-NEXT:     %y = quant.matmul %a, %b, %az, %bz : tensor<2x3xui8>, tensor<3x4xi8>, tensor<2x1xui8>, tensor<i8> -> tensor<2x4xi32>
// CHECK-NEXT:     func.return %y : tensor<2x4xi32>
// CHECK-NEXT:   }
// CHECK-NEXT: }
