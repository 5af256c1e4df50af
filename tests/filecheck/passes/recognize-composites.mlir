// RUN: penstock-opt %s -p recognize-composites --split-input-file | filecheck %s

func.func @layer_norm(%x: tensor<2x4xf32>, %scale: tensor<4xf32>, %bias: tensor<4xf32>) -> tensor<2x4xf32> {
  %eps = graph.constant {value = dense<1.0e-5> : tensor<f32>} -> tensor<f32>
  %two = graph.constant {value = dense<2.0> : tensor<f32>} -> tensor<f32>
  %mean = graph.reduce_mean %x {axes = array<i64: 1>, nodes = ["mean"]} : tensor<2x4xf32> -> tensor<2x1xf32>
  %d = graph.sub %x, %mean {nodes = ["sub"]} : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  %square = graph.pow %d, %two : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %variance = graph.reduce_mean %square {axes = array<i64: 1>} : tensor<2x4xf32> -> tensor<2x1xf32>
  %shifted = graph.add %variance, %eps : tensor<2x1xf32>, tensor<f32> -> tensor<2x1xf32>
  %root = graph.sqrt %shifted : tensor<2x1xf32> -> tensor<2x1xf32>
  %a = graph.div %d, %root {nodes = ["div"]} : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  %b = graph.mul %a, %scale : tensor<2x4xf32>, tensor<4xf32> -> tensor<2x4xf32>
  %y = graph.add %b, %bias : tensor<2x4xf32>, tensor<4xf32> -> tensor<2x4xf32>
  func.return %y : tensor<2x4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @layer_norm(%x: tensor<2x4xf32>, %scale: tensor<4xf32>, %bias: tensor<4xf32>) -> tensor<2x4xf32> {
// CHECK-NEXT:     %y = graph.layer_norm %x scale %scale bias %bias {nodes = ["mean", "sub", "div"], axis = 1 : i64, eps = 1.000000e-05 : f64} : tensor<2x4xf32> scale tensor<4xf32> bias tensor<4xf32> -> tensor<2x4xf32>
// CHECK-NEXT:     func.return %y : tensor<2x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @factored_layer_norm(%x: tensor<2x4xf32>, %scale: tensor<4xf32>, %bias: tensor<4xf32>) -> tensor<2x4xf32> {
  %eps = graph.constant {value = dense<1.0e-5> : tensor<f32>} -> tensor<f32>
  %one = graph.constant {value = dense<1.0> : tensor<f32>} -> tensor<f32>
  %mean = graph.reduce_mean %x {axes = array<i64: 1>} : tensor<2x4xf32> -> tensor<2x1xf32>
  %d = graph.sub %x, %mean : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  %square = graph.mul %d, %d : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %variance = graph.reduce_mean %square {axes = array<i64: 1>} : tensor<2x4xf32> -> tensor<2x1xf32>
  %shifted = graph.add %variance, %eps : tensor<2x1xf32>, tensor<f32> -> tensor<2x1xf32>
  %root = graph.sqrt %shifted : tensor<2x1xf32> -> tensor<2x1xf32>
  %inverse = graph.div %one, %root : tensor<f32>, tensor<2x1xf32> -> tensor<2x1xf32>
  %g = graph.mul %inverse, %scale : tensor<2x1xf32>, tensor<4xf32> -> tensor<2x4xf32>
  %a = graph.mul %x, %g : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %c = graph.mul %mean, %g : tensor<2x1xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %b = graph.sub %bias, %c : tensor<4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %y = graph.add %a, %b : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  func.return %y : tensor<2x4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @factored_layer_norm(%x: tensor<2x4xf32>, %scale: tensor<4xf32>, %bias: tensor<4xf32>) -> tensor<2x4xf32> {
// CHECK-NEXT:     %y = graph.layer_norm %x scale %scale bias %bias {axis = 1 : i64, eps = 1.000000e-05 : f64} : tensor<2x4xf32> scale tensor<4xf32> bias tensor<4xf32> -> tensor<2x4xf32>
// CHECK-NEXT:     func.return %y : tensor<2x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @rms_norm(%x: tensor<2x4xf32>, %scale: tensor<4xf32>) -> tensor<2x4xf32> {
  %eps = graph.constant {value = dense<1.0e-6> : tensor<f32>} -> tensor<f32>
  %power = graph.constant {value = dense<-0.5> : tensor<f32>} -> tensor<f32>
  %square = graph.mul %x, %x : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %mean = graph.reduce_mean %square {axes = array<i64: 1>} : tensor<2x4xf32> -> tensor<2x1xf32>
  %shifted = graph.add %mean, %eps : tensor<2x1xf32>, tensor<f32> -> tensor<2x1xf32>
  %inverse = graph.pow %shifted, %power : tensor<2x1xf32>, tensor<f32> -> tensor<2x1xf32>
  %a = graph.mul %x, %inverse : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  %y = graph.mul %scale, %a : tensor<4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  func.return %y : tensor<2x4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @rms_norm(%x: tensor<2x4xf32>, %scale: tensor<4xf32>) -> tensor<2x4xf32> {
// CHECK-NEXT:     %y = graph.rms_norm %x, %scale {axis = 1 : i64, eps = 1.000000e-06 : f64} : tensor<2x4xf32>, tensor<4xf32> -> tensor<2x4xf32>
// CHECK-NEXT:     func.return %y : tensor<2x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// The mean of something else, another axis for the variance, and no square.
func.func @near_layer_norms(%x: tensor<4x4xf32>, %z: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) {
  %eps = graph.constant {value = dense<1.0e-5> : tensor<f32>} -> tensor<f32>
  %m0 = graph.reduce_mean %z {axes = array<i64: 1>} : tensor<4x4xf32> -> tensor<4x1xf32>
  %d0 = graph.sub %x, %m0 : tensor<4x4xf32>, tensor<4x1xf32> -> tensor<4x4xf32>
  %m1 = graph.reduce_mean %x {axes = array<i64: 1>} : tensor<4x4xf32> -> tensor<4x1xf32>
  %d1 = graph.sub %x, %m1 : tensor<4x4xf32>, tensor<4x1xf32> -> tensor<4x4xf32>
  %s1 = graph.mul %d1, %d1 : tensor<4x4xf32>, tensor<4x4xf32> -> tensor<4x4xf32>
  %v1 = graph.reduce_mean %s1 {axes = array<i64: 1>} : tensor<4x4xf32> -> tensor<4x1xf32>
  %e1 = graph.add %v1, %eps : tensor<4x1xf32>, tensor<f32> -> tensor<4x1xf32>
  %r1 = graph.sqrt %e1 : tensor<4x1xf32> -> tensor<4x1xf32>
  %a = graph.div %d0, %r1 : tensor<4x4xf32>, tensor<4x1xf32> -> tensor<4x4xf32>
  %v2 = graph.reduce_mean %s1 {axes = array<i64: 0>} : tensor<4x4xf32> -> tensor<1x4xf32>
  %e2 = graph.add %v2, %eps : tensor<1x4xf32>, tensor<f32> -> tensor<1x4xf32>
  %r2 = graph.sqrt %e2 : tensor<1x4xf32> -> tensor<1x4xf32>
  %b = graph.div %d1, %r2 : tensor<4x4xf32>, tensor<1x4xf32> -> tensor<4x4xf32>
  %s3 = graph.mul %d1, %x : tensor<4x4xf32>, tensor<4x4xf32> -> tensor<4x4xf32>
  %v3 = graph.reduce_mean %s3 {axes = array<i64: 1>} : tensor<4x4xf32> -> tensor<4x1xf32>
  %e3 = graph.add %v3, %eps : tensor<4x1xf32>, tensor<f32> -> tensor<4x1xf32>
  %r3 = graph.sqrt %e3 : tensor<4x1xf32> -> tensor<4x1xf32>
  %c = graph.div %d1, %r3 : tensor<4x4xf32>, tensor<4x1xf32> -> tensor<4x4xf32>
  func.return %a, %b, %c : tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @near_layer_norms(%x: tensor<4x4xf32>, %z: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) {
// CHECK-NEXT:     %eps = graph.constant {value = dense<1.000000e-05> : tensor<f32>} -> tensor<f32>
// CHECK-NEXT:     %m0 = graph.reduce_mean %z {axes = array<i64: 1>} : tensor<4x4xf32> -> tensor<4x1xf32>
// CHECK-NEXT:     %d0 = graph.sub %x, %m0 : tensor<4x4xf32>, tensor<4x1xf32> -> tensor<4x4xf32>
// CHECK-NEXT:     %m1 = graph.reduce_mean %x {axes = array<i64: 1>} : tensor<4x4xf32> -> tensor<4x1xf32>
// CHECK-NEXT:     %d1 = graph.sub %x, %m1 : tensor<4x4xf32>, tensor<4x1xf32> -> tensor<4x4xf32>
// CHECK-NEXT:     %s1 = graph.mul %d1, %d1 : tensor<4x4xf32>, tensor<4x4xf32> -> tensor<4x4xf32>
// CHECK-NEXT:     %v1 = graph.reduce_mean %s1 {axes = array<i64: 1>} : tensor<4x4xf32> -> tensor<4x1xf32>
// CHECK-NEXT:     %e1 = graph.add %v1, %eps : tensor<4x1xf32>, tensor<f32> -> tensor<4x1xf32>
// CHECK-NEXT:     %r1 = graph.sqrt %e1 : tensor<4x1xf32> -> tensor<4x1xf32>
// CHECK-NEXT:     %a = graph.div %d0, %r1 : tensor<4x4xf32>, tensor<4x1xf32> -> tensor<4x4xf32>
// CHECK-NEXT:     %v2 = graph.reduce_mean %s1 {axes = array<i64: 0>} : tensor<4x4xf32> -> tensor<1x4xf32>
// CHECK-NEXT:     %e2 = graph.add %v2, %eps : tensor<1x4xf32>, tensor<f32> -> tensor<1x4xf32>
// CHECK-NEXT:     %r2 = graph.sqrt %e2 : tensor<1x4xf32> -> tensor<1x4xf32>
// CHECK-NEXT:     %b = graph.div %d1, %r2 : tensor<4x4xf32>, tensor<1x4xf32> -> tensor<4x4xf32>
// CHECK-NEXT:     %s3 = graph.mul %d1, %x : tensor<4x4xf32>, tensor<4x4xf32> -> tensor<4x4xf32>
// CHECK-NEXT:     %v3 = graph.reduce_mean %s3 {axes = array<i64: 1>} : tensor<4x4xf32> -> tensor<4x1xf32>
// CHECK-NEXT:     %e3 = graph.add %v3, %eps : tensor<4x1xf32>, tensor<f32> -> tensor<4x1xf32>
// CHECK-NEXT:     %r3 = graph.sqrt %e3 : tensor<4x1xf32> -> tensor<4x1xf32>
// CHECK-NEXT:     %c = graph.div %d1, %r3 : tensor<4x4xf32>, tensor<4x1xf32> -> tensor<4x4xf32>
// CHECK-NEXT:     func.return %a, %b, %c : tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @gelus(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %half = graph.constant {value = dense<0.5> : tensor<f32>} -> tensor<f32>
  %one = graph.constant {value = dense<1.0> : tensor<f32>} -> tensor<f32>
  %root = graph.constant {value = dense<1.41421354> : tensor<f32>} -> tensor<f32>
  %c = graph.constant {value = dense<0.797884583> : tensor<f32>} -> tensor<f32>
  %k = graph.constant {value = dense<0.0447149985> : tensor<f32>} -> tensor<f32>
  %three = graph.constant {value = dense<3.0> : tensor<f32>} -> tensor<f32>
  %a0 = graph.div %x, %root : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %a1 = graph.erf %a0 : tensor<4xf32> -> tensor<4xf32>
  %a2 = graph.add %a1, %one : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %a3 = graph.mul %x, %a2 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %a = graph.mul %a3, %half : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %b0 = graph.pow %x, %three : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %b1 = graph.mul %b0, %k : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %b2 = graph.add %x, %b1 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %b3 = graph.mul %c, %b2 : tensor<f32>, tensor<4xf32> -> tensor<4xf32>
  %b4 = graph.tanh %b3 : tensor<4xf32> -> tensor<4xf32>
  %b5 = graph.add %one, %b4 : tensor<f32>, tensor<4xf32> -> tensor<4xf32>
  %b6 = graph.mul %half, %b5 : tensor<f32>, tensor<4xf32> -> tensor<4xf32>
  %b = graph.mul %x, %b6 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  func.return %a, %b : tensor<4xf32>, tensor<4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @gelus(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
// CHECK-NEXT:     %a = graph.gelu %x : tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     %b = graph.gelu %x {approximate = true} : tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     func.return %a, %b : tensor<4xf32>, tensor<4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Another root, another factor, and the gate of another tensor.
func.func @near_gelus(%x: tensor<4xf32>, %z: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %half = graph.constant {value = dense<0.5> : tensor<f32>} -> tensor<f32>
  %one = graph.constant {value = dense<1.0> : tensor<f32>} -> tensor<f32>
  %root = graph.constant {value = dense<1.41421354> : tensor<f32>} -> tensor<f32>
  %a0 = graph.div %x, %one : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %a1 = graph.erf %a0 : tensor<4xf32> -> tensor<4xf32>
  %a2 = graph.add %a1, %one : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %a3 = graph.mul %x, %a2 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %a = graph.mul %a3, %half : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %b0 = graph.div %x, %root : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %b1 = graph.erf %b0 : tensor<4xf32> -> tensor<4xf32>
  %b2 = graph.add %b1, %one : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %b = graph.mul %x, %b2 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %c3 = graph.mul %z, %b2 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %c = graph.mul %c3, %half : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  func.return %a, %b, %c : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @near_gelus(%x: tensor<4xf32>, %z: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
// CHECK-NEXT:     %half = graph.constant {value = dense<5.000000e-01> : tensor<f32>} -> tensor<f32>
// CHECK-NEXT:     %one = graph.constant {value = dense<1.000000e+00> : tensor<f32>} -> tensor<f32>
// CHECK-NEXT:     %root = graph.constant {value = dense<1.41421354> : tensor<f32>} -> tensor<f32>
// CHECK-NEXT:     %a0 = graph.div %x, %one : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
// CHECK-NEXT:     %a1 = graph.erf %a0 : tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     %a2 = graph.add %a1, %one : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
// CHECK-NEXT:     %a3 = graph.mul %x, %a2 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     %a = graph.mul %a3, %half : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
// CHECK-NEXT:     %b0 = graph.div %x, %root : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
// CHECK-NEXT:     %b1 = graph.erf %b0 : tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     %b2 = graph.add %b1, %one : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
// CHECK-NEXT:     %b = graph.mul %x, %b2 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     %c3 = graph.mul %z, %b2 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     %c = graph.mul %c3, %half : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
// CHECK-NEXT:     func.return %a, %b, %c : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @gates(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %one = graph.constant {value = dense<1.0> : tensor<f32>} -> tensor<f32>
  %three = graph.constant {value = dense<3.0> : tensor<f32>} -> tensor<f32>
  %six = graph.constant {value = dense<6.0> : tensor<f32>} -> tensor<f32>
  %slope = graph.constant {value = dense<0.125> : tensor<f32>} -> tensor<f32>
  %a0 = graph.add %x, %three : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %a1 = graph.clip %a0 {low = 0.0 : f64, high = 6.0 : f64} : tensor<4xf32> -> tensor<4xf32>
  %a2 = graph.div %a1, %six : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %a = graph.mul %x, %a2 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %b0 = graph.neg %x : tensor<4xf32> -> tensor<4xf32>
  %b1 = graph.exp %b0 : tensor<4xf32> -> tensor<4xf32>
  %b2 = graph.add %one, %b1 : tensor<f32>, tensor<4xf32> -> tensor<4xf32>
  %b = graph.div %one, %b2 : tensor<f32>, tensor<4xf32> -> tensor<4xf32>
  %c0 = graph.mul %x, %slope : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %c = graph.max %c0, %x : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  func.return %a, %b, %c : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @gates(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
// CHECK-NEXT:     %a2 = graph.hard_sigmoid %x {alpha = 0.16666666666666666 : f64, beta = 5.000000e-01 : f64} : tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     %a = graph.mul %x, %a2 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     %b = graph.sigmoid %x : tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     %c = graph.leaky_relu %x {alpha = 1.250000e-01 : f64} : tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     func.return %a, %b, %c : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Clipped at 6 but divided by 3; a sign missing; a slope above one.
func.func @near_gates(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %one = graph.constant {value = dense<1.0> : tensor<f32>} -> tensor<f32>
  %three = graph.constant {value = dense<3.0> : tensor<f32>} -> tensor<f32>
  %a0 = graph.add %x, %three : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %a1 = graph.clip %a0 {low = 0.0 : f64, high = 6.0 : f64} : tensor<4xf32> -> tensor<4xf32>
  %a = graph.div %a1, %three : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %b1 = graph.exp %x : tensor<4xf32> -> tensor<4xf32>
  %b2 = graph.add %one, %b1 : tensor<f32>, tensor<4xf32> -> tensor<4xf32>
  %b = graph.div %one, %b2 : tensor<f32>, tensor<4xf32> -> tensor<4xf32>
  %c0 = graph.mul %x, %three : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %c = graph.max %c0, %x : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  func.return %a, %b, %c : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @near_gates(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
// CHECK-NEXT:     %one = graph.constant {value = dense<1.000000e+00> : tensor<f32>} -> tensor<f32>
// CHECK-NEXT:     %three = graph.constant {value = dense<3.000000e+00> : tensor<f32>} -> tensor<f32>
// CHECK-NEXT:     %a0 = graph.add %x, %three : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
// CHECK-NEXT:     %a1 = graph.clip %a0 {low = 0.000000e+00 : f64, high = 6.000000e+00 : f64} : tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     %a = graph.div %a1, %three : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
// CHECK-NEXT:     %b1 = graph.exp %x : tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     %b2 = graph.add %one, %b1 : tensor<f32>, tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     %b = graph.div %one, %b2 : tensor<f32>, tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     %c0 = graph.mul %x, %three : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
// CHECK-NEXT:     %c = graph.max %c0, %x : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     func.return %a, %b, %c : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @softmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %m = graph.reduce_max %x {axes = array<i64: 1>} : tensor<2x4xf32> -> tensor<2x1xf32>
  %d = graph.sub %x, %m : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  %e = graph.exp %d : tensor<2x4xf32> -> tensor<2x4xf32>
  %s = graph.reduce_sum %e {axes = array<i64: 1>} : tensor<2x4xf32> -> tensor<2x1xf32>
  %y = graph.div %e, %s : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  func.return %y : tensor<2x4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @softmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
// CHECK-NEXT:     %y = graph.softmax %x {axis = 1 : i64} : tensor<2x4xf32> -> tensor<2x4xf32>
// CHECK-NEXT:     func.return %y : tensor<2x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Without the maximum it overflows.
func.func @near_softmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %e = graph.exp %x : tensor<2x4xf32> -> tensor<2x4xf32>
  %s = graph.reduce_sum %e {axes = array<i64: 1>} : tensor<2x4xf32> -> tensor<2x1xf32>
  %y = graph.div %e, %s : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  func.return %y : tensor<2x4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @near_softmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
// CHECK-NEXT:     %e = graph.exp %x : tensor<2x4xf32> -> tensor<2x4xf32>
// CHECK-NEXT:     %s = graph.reduce_sum %e {axes = array<i64: 1>} : tensor<2x4xf32> -> tensor<2x1xf32>
// CHECK-NEXT:     %y = graph.div %e, %s : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
// CHECK-NEXT:     func.return %y : tensor<2x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @two_means(%x: tensor<1x2x3x4xf32>) -> tensor<1x2xf32> {
  %a = graph.reduce_mean %x {axes = array<i64: 3>, keepdims = false} : tensor<1x2x3x4xf32> -> tensor<1x2x3xf32>
  %y = graph.reduce_mean %a {axes = array<i64: 2>, keepdims = false} : tensor<1x2x3xf32> -> tensor<1x2xf32>
  func.return %y : tensor<1x2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @two_means(%x: tensor<1x2x3x4xf32>) -> tensor<1x2xf32> {
// CHECK-NEXT:     %0 = graph.reduce_mean %x {axes = array<i64: 2, 3>} : tensor<1x2x3x4xf32> -> tensor<1x2x1x1xf32>
// CHECK-NEXT:     %y = graph.reshape %0 {shape = [1 : i64, 2 : i64]} : tensor<1x2x1x1xf32> -> tensor<1x2xf32>
// CHECK-NEXT:     func.return %y : tensor<1x2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// A maximum of means is no mean.
func.func @mean_and_maximum(%x: tensor<2x3xf32>) -> tensor<1x1xf32> {
  %a = graph.reduce_mean %x {axes = array<i64: 1>} : tensor<2x3xf32> -> tensor<2x1xf32>
  %y = graph.reduce_max %a {axes = array<i64: 0>} : tensor<2x1xf32> -> tensor<1x1xf32>
  func.return %y : tensor<1x1xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @mean_and_maximum(%x: tensor<2x3xf32>) -> tensor<1x1xf32> {
// CHECK-NEXT:     %a = graph.reduce_mean %x {axes = array<i64: 1>} : tensor<2x3xf32> -> tensor<2x1xf32>
// CHECK-NEXT:     %y = graph.reduce_max %a {axes = array<i64: 0>} : tensor<2x1xf32> -> tensor<1x1xf32>
// CHECK-NEXT:     func.return %y : tensor<1x1xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// The second window leaves a row out.
func.func @global_pools(%x: tensor<1x2x3x3xf32>) -> (tensor<1x2x1x1xf32>, tensor<1x2x1x1xf32>) {
  %a = graph.average_pool %x {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, counted = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : tensor<1x2x3x3xf32> -> tensor<1x2x1x1xf32>
  %b = graph.max_pool %x {kernel = array<i64: 2, 3>, strides = array<i64: 2, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : tensor<1x2x3x3xf32> -> tensor<1x2x1x1xf32>
  func.return %a, %b : tensor<1x2x1x1xf32>, tensor<1x2x1x1xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @global_pools(%x: tensor<1x2x3x3xf32>) -> (tensor<1x2x1x1xf32>, tensor<1x2x1x1xf32>) {
// CHECK-NEXT:     %a = graph.reduce_mean %x {axes = array<i64: 2, 3>} : tensor<1x2x3x3xf32> -> tensor<1x2x1x1xf32>
// CHECK-NEXT:     %b = graph.max_pool %x {kernel = array<i64: 2, 3>, strides = array<i64: 2, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : tensor<1x2x3x3xf32> -> tensor<1x2x1x1xf32>
// CHECK-NEXT:     func.return %a, %b : tensor<1x2x1x1xf32>, tensor<1x2x1x1xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }
