// RUN: penstock-opt %s --split-input-file | filecheck %s

func.func @strings(%a: tensor<2x!graph.string>, %b: tensor<?x1x!graph.string, #graph.dims<["n", ""]>>) {
  %c = graph.host "StringConcat" %a, %b : tensor<2x!graph.string>, tensor<?x1x!graph.string, #graph.dims<["n", ""]>> -> tensor<?x2x!graph.string, #graph.dims<["n", ""]>>
  %d, %n = graph.host "StringSplit" %a {options = {delimiter = "\C3\A9", maxsplit = 1 : i64}, sizes = ["parts"]} : tensor<2x!graph.string> -> tensor<2x?x!graph.string, #graph.dims<["", "parts"]>>, tensor<2xi64>
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @strings(%a: tensor<2x!graph.string>, %b: tensor<?x1x!graph.string, #graph.dims<["n", ""]>>) {
// CHECK-NEXT:     %c = graph.host "StringConcat" %a, %b : tensor<2x!graph.string>, tensor<?x1x!graph.string, #graph.dims<["n", ""]>> -> tensor<?x2x!graph.string, #graph.dims<["n", ""]>>
// CHECK-NEXT:     %d, %n = graph.host "StringSplit" %a {options = {delimiter = "\C3\A9", maxsplit = 1 : i64}, sizes = ["parts"]} : tensor<2x!graph.string> -> tensor<2x?x!graph.string, #graph.dims<["", "parts"]>>, tensor<2xi64>
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @text_in_constants() {
  %a = graph.constant {value = #graph.strings<[2 : i64, 1 : i64], ["a \22b\22\0A", "\C3\A9"]>} -> tensor<2x1x!graph.string>
  %none = graph.constant {value = #graph.strings<[0 : i64], []>} -> tensor<0x!graph.string>
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @text_in_constants() {
// CHECK-NEXT:     %a = graph.constant {value = #graph.strings<[2 : i64, 1 : i64], ["a \22b\22\0A", "\C3\A9"]>} -> tensor<2x1x!graph.string>
// CHECK-NEXT:     %none = graph.constant {value = #graph.strings<[0 : i64], []>} -> tensor<0x!graph.string>
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @movement(%x: tensor<2x3x!graph.string>, %i: tensor<4xi64>) {
  %t = graph.host "Transpose" %x {options = {permutation = array<i64: 1, 0>}} : tensor<2x3x!graph.string> -> tensor<3x2x!graph.string>
  %c = graph.host "Concat" %x, %x {options = {axis = 0 : i64}} : tensor<2x3x!graph.string>, tensor<2x3x!graph.string> -> tensor<4x3x!graph.string>
  %g = graph.host "Gather" %x, %i {options = {axis = 0 : i64}} : tensor<2x3x!graph.string>, tensor<4xi64> -> tensor<4x3x!graph.string>
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @movement(%x: tensor<2x3x!graph.string>, %i: tensor<4xi64>) {
// CHECK-NEXT:     %t = graph.host "Transpose" %x {options = {permutation = array<i64: 1, 0>}} : tensor<2x3x!graph.string> -> tensor<3x2x!graph.string>
// CHECK-NEXT:     %c = graph.host "Concat" %x, %x {options = {axis = 0 : i64}} : tensor<2x3x!graph.string>, tensor<2x3x!graph.string> -> tensor<4x3x!graph.string>
// CHECK-NEXT:     %g = graph.host "Gather" %x, %i {options = {axis = 0 : i64}} : tensor<2x3x!graph.string>, tensor<4xi64> -> tensor<4x3x!graph.string>
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @pictures(%x: tensor<99xui8>) {
  %y = graph.host "ImageDecoder" %x {options = {pixel_format = "RGB"}, sizes = ["h", "w"]} : tensor<99xui8> -> tensor<?x?x3xui8, #graph.dims<["h", "w", ""]>>
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @pictures(%x: tensor<99xui8>) {
// CHECK-NEXT:     %y = graph.host "ImageDecoder" %x {options = {pixel_format = "RGB"}, sizes = ["h", "w"]} : tensor<99xui8> -> tensor<?x?x3xui8, #graph.dims<["h", "w", ""]>>
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
