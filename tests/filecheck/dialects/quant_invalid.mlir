// RUN: penstock-opt %s --verify-diagnostics --split-input-file | filecheck %s

// CHECK: quant.quantize: rounding is 'up', not one of half_even, half_away
func.func @f(%x: tensor<4xf32>, %s: tensor<f32>, %z: tensor<i8>) {
  %y = quant.quantize %x, %s, %z {rounding = "up"} : tensor<4xf32>, tensor<f32>, tensor<i8> -> tensor<4xi8>
  func.return
}

// -----

// CHECK: quant.quantize: nothing is quantised to i32
func.func @f(%x: tensor<4xf32>, %s: tensor<f32>, %z: tensor<i32>) {
  %y = quant.quantize %x, %s, %z : tensor<4xf32>, tensor<f32>, tensor<i32> -> tensor<4xi32>
  func.return
}

// -----

// CHECK: quant.dequantize: values of ui8 with a zero point of i8
func.func @f(%x: tensor<4xui8>, %s: tensor<f32>, %z: tensor<i8>) {
  %y = quant.dequantize %x, %s, %z : tensor<4xui8>, tensor<f32>, tensor<i8> -> tensor<4xf32>
  func.return
}

// -----

// CHECK: quant.requantize: i32 by f64 to i8, not i32 by f32
func.func @f(%x: tensor<4xi32>, %s: tensor<f64>, %z: tensor<i8>) {
  %y = quant.requantize %x, %s, %z : tensor<4xi32>, tensor<f64>, tensor<i8> -> tensor<4xi8>
  func.return
}

// -----

// CHECK: quant.matmul: zero point [5, 1, 1] for values [2, 3]
func.func @f(%a: tensor<2x3xi8>, %b: tensor<3x4xi8>, %az: tensor<5x1x1xi8>, %bz: tensor<i8>) {
  %y = quant.matmul %a, %b, %az, %bz : tensor<2x3xi8>, tensor<3x4xi8>, tensor<5x1x1xi8>, tensor<i8> -> tensor<2x4xi32>
  func.return
}
