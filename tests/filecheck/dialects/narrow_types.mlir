// RUN: penstock-opt %s | filecheck %s

func.func @f(%x: tensor<4xf32>, %w: tensor<4xui4>) -> (tensor<4xf8E4M3FN>, tensor<4xf8E8M0FNU>, tensor<4xi2>) {
  %a = graph.cast %x {to = f8E4M3FN} : tensor<4xf32> -> tensor<4xf8E4M3FN>
  %b = graph.cast %x {to = f8E8M0FNU, rounding = "nearest", saturate = false} : tensor<4xf32> -> tensor<4xf8E8M0FNU>
  %c = graph.cast %w {to = i2} : tensor<4xui4> -> tensor<4xi2>
  func.return %a, %b, %c : tensor<4xf8E4M3FN>, tensor<4xf8E8M0FNU>, tensor<4xi2>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @f(%x: tensor<4xf32>, %w: tensor<4xui4>) -> (tensor<4xf8E4M3FN>, tensor<4xf8E8M0FNU>, tensor<4xi2>) {
// CHECK-NEXT:     %a = graph.cast %x {to = f8E4M3FN} : tensor<4xf32> -> tensor<4xf8E4M3FN>
// CHECK-NEXT:     %b = graph.cast %x {to = f8E8M0FNU, rounding = "nearest", saturate = false} : tensor<4xf32> -> tensor<4xf8E8M0FNU>
// CHECK-NEXT:     %c = graph.cast %w {to = i2} : tensor<4xui4> -> tensor<4xi2>
// CHECK-NEXT:     func.return %a, %b, %c : tensor<4xf8E4M3FN>, tensor<4xf8E8M0FNU>, tensor<4xi2>
// CHECK-NEXT:   }
// CHECK-NEXT: }
