// `penstock opt graph.mlir --load squareplus.py -p recognize-squareplus`
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %b = graph.constant {value = dense<4.0> : tensor<f32>} -> tensor<f32>
  %h = graph.constant {value = dense<0.5> : tensor<f32>} -> tensor<f32>
  %s = graph.mul %x, %x : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %a = graph.add %s, %b : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %r = graph.sqrt %a : tensor<4xf32> -> tensor<4xf32>
  %t = graph.add %x, %r : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %y = graph.mul %t, %h : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  func.return %y : tensor<4xf32>
}
