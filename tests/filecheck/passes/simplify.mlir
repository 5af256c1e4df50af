// RUN: penstock-opt %s -p simplify --split-input-file | filecheck %s

func.func @neutral(%x: tensor<4xf32>) -> tensor<4xf32> {
  %one = graph.constant {value = dense<1.0> : tensor<f32>} -> tensor<f32>
  %zero = graph.constant {value = dense<0.0> : tensor<1xf32>} -> tensor<1xf32>
  %negative = graph.constant {value = dense<-0.0> : tensor<f32>} -> tensor<f32>
  %a = graph.mul %one, %x : tensor<f32>, tensor<4xf32> -> tensor<4xf32>
  %b = graph.div %a, %one : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %c = graph.add %negative, %b : tensor<f32>, tensor<4xf32> -> tensor<4xf32>
  %y = graph.sub %c, %zero : tensor<4xf32>, tensor<1xf32> -> tensor<4xf32>
  func.return %y : tensor<4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @neutral(%x: tensor<4xf32>) -> tensor<4xf32> {
// CHECK-NEXT:     func.return %x : tensor<4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// -0.0 + 0.0 is 0.0, inf * 0 is NaN, 1 / x is not x.
func.func @not_neutral(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %one = graph.constant {value = dense<1.0> : tensor<f32>} -> tensor<f32>
  %zero = graph.constant {value = dense<0.0> : tensor<f32>} -> tensor<f32>
  %a = graph.add %x, %zero : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %b = graph.mul %x, %zero : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %c = graph.div %one, %x : tensor<f32>, tensor<4xf32> -> tensor<4xf32>
  %d = graph.sub %x, %x : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  func.return %a, %b, %c, %d : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @not_neutral(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
// CHECK-NEXT:     %one = graph.constant {value = dense<1.000000e+00> : tensor<f32>} -> tensor<f32>
// CHECK-NEXT:     %zero = graph.constant {value = dense<0.000000e+00> : tensor<f32>} -> tensor<f32>
// CHECK-NEXT:     %a = graph.add %x, %zero : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
// CHECK-NEXT:     %b = graph.mul %x, %zero : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
// CHECK-NEXT:     %c = graph.div %one, %x : tensor<f32>, tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     %d = graph.sub %x, %x : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     func.return %a, %b, %c, %d : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @integers(%x: tensor<4xi32>) -> tensor<4xi32> {
  %zero = graph.constant {value = dense<0> : tensor<i32>} -> tensor<i32>
  %y = graph.add %x, %zero : tensor<4xi32>, tensor<i32> -> tensor<4xi32>
  func.return %y : tensor<4xi32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @integers(%x: tensor<4xi32>) -> tensor<4xi32> {
// CHECK-NEXT:     func.return %x : tensor<4xi32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// A neutral element that broadcasts changes the shape.
func.func @broadcast(%x: tensor<f32>) -> tensor<1xf32> {
  %one = graph.constant {value = dense<1.0> : tensor<1xf32>} -> tensor<1xf32>
  %y = graph.mul %x, %one : tensor<f32>, tensor<1xf32> -> tensor<1xf32>
  func.return %y : tensor<1xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @broadcast(%x: tensor<f32>) -> tensor<1xf32> {
// CHECK-NEXT:     %one = graph.constant {value = dense<1.000000e+00> : tensor<1xf32>} -> tensor<1xf32>
// CHECK-NEXT:     %y = graph.mul %x, %one : tensor<f32>, tensor<1xf32> -> tensor<1xf32>
// CHECK-NEXT:     func.return %y : tensor<1xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @negations(%x: tensor<4xf32>, %z: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %n = graph.neg %x : tensor<4xf32> -> tensor<4xf32>
  %a = graph.neg %n : tensor<4xf32> -> tensor<4xf32>
  %b = graph.add %z, %n : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %c = graph.sub %z, %n : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  func.return %a, %b, %c : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @negations(%x: tensor<4xf32>, %z: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
// CHECK-NEXT:     %b = graph.sub %z, %x : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     %c = graph.add %z, %x : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     func.return %x, %b, %c : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @projections(%x: tensor<4xf32>, %p: tensor<2xi1>) -> (tensor<4xf32>, tensor<2xi1>) {
  %a = graph.abs %x : tensor<4xf32> -> tensor<4xf32>
  %b = graph.abs %a : tensor<4xf32> -> tensor<4xf32>
  %c = graph.max %b, %b : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %n = graph.not %p : tensor<2xi1> -> tensor<2xi1>
  %q = graph.not %n : tensor<2xi1> -> tensor<2xi1>
  func.return %c, %q : tensor<4xf32>, tensor<2xi1>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @projections(%x: tensor<4xf32>, %p: tensor<2xi1>) -> (tensor<4xf32>, tensor<2xi1>) {
// CHECK-NEXT:     %a = graph.abs %x : tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     func.return %a, %p : tensor<4xf32>, tensor<2xi1>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @clips(%x: tensor<4xf32>) -> tensor<4xf32> {
  %a = graph.clip %x {low = 0.0 : f64} : tensor<4xf32> -> tensor<4xf32>
  %b = graph.clip %a {low = 0.0 : f64} : tensor<4xf32> -> tensor<4xf32>
  %c = graph.clip %b {low = -1.0 : f64, high = 6.0 : f64} : tensor<4xf32> -> tensor<4xf32>
  func.return %c : tensor<4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @clips(%x: tensor<4xf32>) -> tensor<4xf32> {
// CHECK-NEXT:     %c = graph.clip %x {low = 0.000000e+00 : f64, high = 6.000000e+00 : f64} : tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     func.return %c : tensor<4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// The second range lies below the first; the two zeros are not the same.
func.func @clips_that_stay(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %a = graph.clip %x {low = 1.0 : f64} : tensor<4xf32> -> tensor<4xf32>
  %b = graph.clip %a {high = -1.0 : f64} : tensor<4xf32> -> tensor<4xf32>
  %c = graph.clip %x {low = 0.0 : f64} : tensor<4xf32> -> tensor<4xf32>
  %d = graph.clip %c {high = -0.0 : f64} : tensor<4xf32> -> tensor<4xf32>
  func.return %b, %d : tensor<4xf32>, tensor<4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @clips_that_stay(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
// CHECK-NEXT:     %a = graph.clip %x {low = 1.000000e+00 : f64} : tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     %b = graph.clip %a {high = -1.000000e+00 : f64} : tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     %c = graph.clip %x {low = 0.000000e+00 : f64} : tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     %d = graph.clip %c {high = -0.000000e+00 : f64} : tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     func.return %b, %d : tensor<4xf32>, tensor<4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @powers(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %one = graph.constant {value = dense<1.0> : tensor<f32>} -> tensor<f32>
  %two = graph.constant {value = dense<2.0> : tensor<f32>} -> tensor<f32>
  %half = graph.constant {value = dense<0.5> : tensor<f32>} -> tensor<f32>
  %a = graph.pow %x, %one : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %b = graph.pow %x, %two : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %c = graph.pow %x, %half : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  func.return %a, %b, %c : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @powers(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
// CHECK-NEXT:     %half = graph.constant {value = dense<5.000000e-01> : tensor<f32>} -> tensor<f32>
// CHECK-NEXT:     %b = graph.mul %x, %x : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     %c = graph.pow %x, %half : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
// CHECK-NEXT:     func.return %x, %b, %c : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @choices(%x: tensor<2xf32>, %z: tensor<f32>, %p: tensor<2xi1>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %yes = graph.constant {value = dense<true> : tensor<2xi1>} -> tensor<2xi1>
  %no = graph.constant {value = dense<false> : tensor<i1>} -> tensor<i1>
  %mixed = graph.constant {value = dense<[true, false]> : tensor<2xi1>} -> tensor<2xi1>
  %a = graph.select %yes, %x, %z : tensor<2xi1>, tensor<2xf32>, tensor<f32> -> tensor<2xf32>
  %b = graph.select %no, %x, %z : tensor<i1>, tensor<2xf32>, tensor<f32> -> tensor<2xf32>
  %c = graph.select %mixed, %x, %z : tensor<2xi1>, tensor<2xf32>, tensor<f32> -> tensor<2xf32>
  func.return %a, %b, %c : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @choices(%x: tensor<2xf32>, %z: tensor<f32>, %p: tensor<2xi1>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
// CHECK-NEXT:     %mixed = graph.constant {value = dense<[true, false]> : tensor<2xi1>} -> tensor<2xi1>
// CHECK-NEXT:     %b = graph.broadcast_to %z {shape = [2 : i64]} : tensor<f32> -> tensor<2xf32>
// CHECK-NEXT:     %c = graph.select %mixed, %x, %z : tensor<2xi1>, tensor<2xf32>, tensor<f32> -> tensor<2xf32>
// CHECK-NEXT:     func.return %x, %b, %c : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }
