// RUN: penstock-opt %s --verify-diagnostics --split-input-file | filecheck %s

// CHECK: graph.cast: rounding is 'even', not one of up, down, nearest
func.func @f(%x: tensor<4xf32>) {
  %y = graph.cast %x {to = f8E8M0FNU, rounding = "even"} : tensor<4xf32> -> tensor<4xf8E8M0FNU>
  func.return
}

// -----

// CHECK: graph.add: needs numbers, got f8E5M2
func.func @f(%x: tensor<4xf8E5M2>) {
  %y = graph.add %x, %x : tensor<4xf8E5M2>, tensor<4xf8E5M2> -> tensor<4xf8E5M2>
  func.return
}

// -----

// CHECK: graph.less: i4 can only be moved and cast
func.func @f(%x: tensor<4xi4>) {
  %y = graph.less %x, %x : tensor<4xi4>, tensor<4xi4> -> tensor<4xi1>
  func.return
}

// -----

// CHECK: graph.bitcast: i4 and i8 differ in width
func.func @f(%x: tensor<4xi4>) {
  %y = graph.bitcast %x {to = i8} : tensor<4xi4> -> tensor<4xi8>
  func.return
}
