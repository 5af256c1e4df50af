// RUN: penstock-opt %s -p lower-graph-to-nest --split-input-file | filecheck %s

// A value in between becomes a buffer, a result the buffer that the caller gives.
func.func @matmul(%x: tensor<4x3xf32>) -> tensor<4x2xf32> {
  %w = graph.constant {value = dense<0.5> : tensor<3x2xf32>} -> tensor<3x2xf32>
  %m = graph.matmul %x, %w : tensor<4x3xf32>, tensor<3x2xf32> -> tensor<4x2xf32>
  %y = graph.exp %m : tensor<4x2xf32> -> tensor<4x2xf32>
  func.return %y : tensor<4x2xf32>
}

// -----

// Broadcasting is an index map.
func.func @broadcast(%x: tensor<4x3xf32>, %b: tensor<3xf32>) -> tensor<4x3xf32> {
  %y = graph.add %x, %b : tensor<4x3xf32>, tensor<3xf32> -> tensor<4x3xf32>
  func.return %y : tensor<4x3xf32>
}
