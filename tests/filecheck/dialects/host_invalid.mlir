// RUN: penstock-opt %s --split-input-file --verify-diagnostics | filecheck %s

func.func @no_such_function(%a: tensor<2x!graph.string>) {
  %b = graph.host "Translate" %a : tensor<2x!graph.string> -> tensor<2x!graph.string>
  func.return
}

// CHECK: graph.host: there is no function 'Translate'

// -----

func.func @numbers_have_no_parts(%a: tensor<2xf32>) {
  %b = graph.host "RegexFullMatch" %a {options = {pattern = "a*"}} : tensor<2xf32> -> tensor<2xi1>
  func.return
}

// CHECK: graph.host 'RegexFullMatch': operand 0 is of f32, it takes !graph.string

// -----

func.func @one_string_is_not_two(%a: tensor<2x!graph.string>) {
  %b = graph.host "StringConcat" %a : tensor<2x!graph.string> -> tensor<2x!graph.string>
  func.return
}

// CHECK: graph.host 'StringConcat': 1 operands, it takes 2

// -----

func.func @the_result_has_another_type(%a: tensor<2x!graph.string>) {
  %b = graph.host "StringConcat" %a, %a : tensor<2x!graph.string>, tensor<2x!graph.string> -> tensor<3x!graph.string>
  func.return
}

// CHECK: graph.host: result 0 is tensor<3x!graph.string>, its rule gives tensor<2x!graph.string>

// -----

func.func @many_rows(%a: tensor<2x4x!graph.string>) {
  %b = graph.host "StringNormalizer" %a : tensor<2x4x!graph.string> -> tensor<2x4x!graph.string>
  func.return
}

// CHECK: graph.host 'StringNormalizer': strings of the shape [2, 4], it must be [C] or [1, C]

// -----

func.func @unknown_number(%a: tensor<2x!graph.string>) {
  %b = graph.host "ToNumber" %a {options = {to = "float8"}} : tensor<2x!graph.string> -> tensor<2xf64>
  func.return
}

// CHECK: graph.host 'ToNumber': strings are read as float64, int64, uint64, not as float8

// -----

func.func @keys_and_values(%x: tensor<9x!graph.string>, %k: tensor<2x!graph.string>, %v: tensor<3xi64>, %d: tensor<1xi64>) {
  %y = graph.host "LookUp" %x, %k, %v, %d : tensor<9x!graph.string>, tensor<2x!graph.string>, tensor<3xi64>, tensor<1xi64> -> tensor<9xi64>
  func.return
}

// CHECK: graph.host 'LookUp': [2] keys for [3] values

// -----

func.func @colours(%x: tensor<99xui8>) {
  %y = graph.host "ImageDecoder" %x {options = {pixel_format = "CMYK"}} : tensor<99xui8> -> tensor<?x?x4xui8>
  func.return
}

// CHECK: graph.host 'ImageDecoder': the pixel format 'CMYK' is none of RGB, BGR, Grayscale

// -----

func.func @a_moved_string_follows_the_rule_of_the_movement(%x: tensor<2x3x!graph.string>) {
  %y = graph.host "Transpose" %x {options = {permutation = array<i64: 0, 2>}} : tensor<2x3x!graph.string> -> tensor<2x3x!graph.string>
  func.return
}

// CHECK: graph.transpose: [0, 2] is no permutation of 2 dims

// -----

func.func @too_few_strings() {
  %a = graph.constant {value = #graph.strings<[3 : i64], ["a", "b"]>} -> tensor<3x!graph.string>
  func.return
}

// CHECK: 2 strings for the shape [3]

// -----

func.func @sums_of_strings(%a: tensor<2x!graph.string>) {
  %b = graph.add %a, %a : tensor<2x!graph.string>, tensor<2x!graph.string> -> tensor<2x!graph.string>
  func.return
}

// CHECK: graph.add: needs numbers, got !graph.string

// -----

func.func @order_of_strings(%a: tensor<2x!graph.string>) {
  %b = graph.less %a, %a : tensor<2x!graph.string>, tensor<2x!graph.string> -> tensor<2xi1>
  func.return
}

// CHECK: graph.less: !graph.string can only be moved and cast

// -----

func.func @casts_of_strings(%a: tensor<2x!graph.string>) {
  %b = graph.cast %a {to = f32} : tensor<2x!graph.string> -> tensor<2xf32>
  func.return
}

// CHECK: graph.cast: numbers are written and read by operations of the host
