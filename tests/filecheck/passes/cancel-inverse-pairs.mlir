// RUN: penstock-opt %s -p cancel-inverse-pairs --split-input-file | filecheck %s

func.func @transposes(%x: tensor<1x2x3x4xf32>) -> (tensor<1x2x3x4xf32>, tensor<4x1x3x2xf32>) {
  %a = graph.transpose %x {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x2x3x4xf32> -> tensor<1x3x4x2xf32>
  %b = graph.transpose %a {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x3x4x2xf32> -> tensor<1x2x3x4xf32>
  %c = graph.transpose %a {permutation = array<i64: 2, 0, 1, 3>} : tensor<1x3x4x2xf32> -> tensor<4x1x3x2xf32>
  func.return %b, %c : tensor<1x2x3x4xf32>, tensor<4x1x3x2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @transposes(%x: tensor<1x2x3x4xf32>) -> (tensor<1x2x3x4xf32>, tensor<4x1x3x2xf32>) {
// CHECK-NEXT:     %c = graph.transpose %x {permutation = array<i64: 3, 0, 2, 1>} : tensor<1x2x3x4xf32> -> tensor<4x1x3x2xf32>
// CHECK-NEXT:     func.return %x, %c : tensor<1x2x3x4xf32>, tensor<4x1x3x2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @reshapes(%x: tensor<6xf32>) -> (tensor<6xf32>, tensor<3x2xf32>) {
  %a = graph.reshape %x {shape = [2 : i64, 3 : i64]} : tensor<6xf32> -> tensor<2x3xf32>
  %b = graph.reshape %a {shape = [6 : i64]} : tensor<2x3xf32> -> tensor<6xf32>
  %c = graph.reshape %a {shape = [3 : i64, 2 : i64]} : tensor<2x3xf32> -> tensor<3x2xf32>
  func.return %b, %c : tensor<6xf32>, tensor<3x2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @reshapes(%x: tensor<6xf32>) -> (tensor<6xf32>, tensor<3x2xf32>) {
// CHECK-NEXT:     %c = graph.reshape %x {shape = [3 : i64, 2 : i64]} : tensor<6xf32> -> tensor<3x2xf32>
// CHECK-NEXT:     func.return %x, %c : tensor<6xf32>, tensor<3x2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @wider_and_back(%x: tensor<4xf32>, %i: tensor<4xi8>) -> (tensor<4xf32>, tensor<4xi8>, tensor<4xf16>) {
  %a = graph.cast %x {to = f64} : tensor<4xf32> -> tensor<4xf64>
  %b = graph.cast %a {to = f32} : tensor<4xf64> -> tensor<4xf32>
  %c = graph.cast %i {to = f16} : tensor<4xi8> -> tensor<4xf16>
  %d = graph.cast %c {to = i8} : tensor<4xf16> -> tensor<4xi8>
  %e = graph.cast %a {to = f16} : tensor<4xf64> -> tensor<4xf16>
  func.return %b, %d, %e : tensor<4xf32>, tensor<4xi8>, tensor<4xf16>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @wider_and_back(%x: tensor<4xf32>, %i: tensor<4xi8>) -> (tensor<4xf32>, tensor<4xi8>, tensor<4xf16>) {
// CHECK-NEXT:     %e = graph.cast %x {to = f16} : tensor<4xf32> -> tensor<4xf16>
// CHECK-NEXT:     func.return %x, %i, %e : tensor<4xf32>, tensor<4xi8>, tensor<4xf16>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Narrower types round; i16 has no place in f16; a real saturates on its way to an integer, an integer wraps.
func.func @casts_that_stay(%x: tensor<4xf32>, %i: tensor<4xi16>) -> (tensor<4xf32>, tensor<4xi16>, tensor<4xi8>) {
  %a = graph.cast %x {to = f16} : tensor<4xf32> -> tensor<4xf16>
  %b = graph.cast %a {to = f32} : tensor<4xf16> -> tensor<4xf32>
  %c = graph.cast %i {to = f16} : tensor<4xi16> -> tensor<4xf16>
  %d = graph.cast %c {to = i16} : tensor<4xf16> -> tensor<4xi16>
  %e = graph.cast %i {to = f32} : tensor<4xi16> -> tensor<4xf32>
  %f = graph.cast %e {to = i8} : tensor<4xf32> -> tensor<4xi8>
  func.return %b, %d, %f : tensor<4xf32>, tensor<4xi16>, tensor<4xi8>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @casts_that_stay(%x: tensor<4xf32>, %i: tensor<4xi16>) -> (tensor<4xf32>, tensor<4xi16>, tensor<4xi8>) {
// CHECK-NEXT:     %a = graph.cast %x {to = f16} : tensor<4xf32> -> tensor<4xf16>
// CHECK-NEXT:     %b = graph.cast %a {to = f32} : tensor<4xf16> -> tensor<4xf32>
// CHECK-NEXT:     %c = graph.cast %i {to = f16} : tensor<4xi16> -> tensor<4xf16>
// CHECK-NEXT:     %d = graph.cast %c {to = i16} : tensor<4xf16> -> tensor<4xi16>
// CHECK-NEXT:     %e = graph.cast %i {to = f32} : tensor<4xi16> -> tensor<4xf32>
// CHECK-NEXT:     %f = graph.cast %e {to = i8} : tensor<4xf32> -> tensor<4xi8>
// CHECK-NEXT:     func.return %b, %d, %f : tensor<4xf32>, tensor<4xi16>, tensor<4xi8>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @slices(%x: tensor<10xf32>) -> tensor<2xf32> {
  %a = graph.slice %x {starts = array<i64: 1>, ends = array<i64: 9>, steps = array<i64: 2>} : tensor<10xf32> -> tensor<4xf32>
  %b = graph.slice %a {starts = array<i64: 1>, ends = array<i64: -1>, steps = array<i64: 1>} : tensor<4xf32> -> tensor<2xf32>
  func.return %b : tensor<2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @slices(%x: tensor<10xf32>) -> tensor<2xf32> {
// CHECK-NEXT:     %b = graph.slice %x {starts = array<i64: 3>, ends = array<i64: 7>, steps = array<i64: 2>} : tensor<10xf32> -> tensor<2xf32>
// CHECK-NEXT:     func.return %b : tensor<2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @slice_of_concat(%x: tensor<2xf32>, %y: tensor<3xf32>) -> (tensor<3xf32>, tensor<1xf32>, tensor<2xf32>) {
  %c = graph.concat %x, %y {axis = 0 : i64} : tensor<2xf32>, tensor<3xf32> -> tensor<5xf32>
  %whole = graph.slice %c {starts = array<i64: 2>, ends = array<i64: 5>, steps = array<i64: 1>} : tensor<5xf32> -> tensor<3xf32>
  %part = graph.slice %c {starts = array<i64: 3>, ends = array<i64: 4>, steps = array<i64: 1>} : tensor<5xf32> -> tensor<1xf32>
  %across = graph.slice %c {starts = array<i64: 1>, ends = array<i64: 3>, steps = array<i64: 1>} : tensor<5xf32> -> tensor<2xf32>
  func.return %whole, %part, %across : tensor<3xf32>, tensor<1xf32>, tensor<2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @slice_of_concat(%x: tensor<2xf32>, %y: tensor<3xf32>) -> (tensor<3xf32>, tensor<1xf32>, tensor<2xf32>) {
// CHECK-NEXT:     %c = graph.concat %x, %y {axis = 0 : i64} : tensor<2xf32>, tensor<3xf32> -> tensor<5xf32>
// CHECK-NEXT:     %part = graph.slice %y {starts = array<i64: 1>, ends = array<i64: 2>, steps = array<i64: 1>} : tensor<3xf32> -> tensor<1xf32>
// CHECK-NEXT:     %across = graph.slice %c {starts = array<i64: 1>, ends = array<i64: 3>, steps = array<i64: 1>} : tensor<5xf32> -> tensor<2xf32>
// CHECK-NEXT:     func.return %y, %part, %across : tensor<3xf32>, tensor<1xf32>, tensor<2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @concat_of_slices(%x: tensor<2x6xf32>) -> tensor<2x6xf32> {
  %a = graph.slice %x {starts = array<i64: 0, 0>, ends = array<i64: 2, 2>, steps = array<i64: 1, 1>} : tensor<2x6xf32> -> tensor<2x2xf32>
  %b = graph.slice %x {starts = array<i64: 0, 2>, ends = array<i64: 2, 6>, steps = array<i64: 1, 1>} : tensor<2x6xf32> -> tensor<2x4xf32>
  %y = graph.concat %a, %b {axis = 1 : i64} : tensor<2x2xf32>, tensor<2x4xf32> -> tensor<2x6xf32>
  func.return %y : tensor<2x6xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @concat_of_slices(%x: tensor<2x6xf32>) -> tensor<2x6xf32> {
// CHECK-NEXT:     func.return %x : tensor<2x6xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// The ranges overlap: that is no inverse.
func.func @concat_of_other_slices(%x: tensor<6xf32>) -> tensor<7xf32> {
  %a = graph.slice %x {starts = array<i64: 0>, ends = array<i64: 3>, steps = array<i64: 1>} : tensor<6xf32> -> tensor<3xf32>
  %b = graph.slice %x {starts = array<i64: 2>, ends = array<i64: 6>, steps = array<i64: 1>} : tensor<6xf32> -> tensor<4xf32>
  %y = graph.concat %a, %b {axis = 0 : i64} : tensor<3xf32>, tensor<4xf32> -> tensor<7xf32>
  func.return %y : tensor<7xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @concat_of_other_slices(%x: tensor<6xf32>) -> tensor<7xf32> {
// CHECK-NEXT:     %a = graph.slice %x {starts = array<i64: 0>, ends = array<i64: 3>, steps = array<i64: 1>} : tensor<6xf32> -> tensor<3xf32>
// CHECK-NEXT:     %b = graph.slice %x {starts = array<i64: 2>, ends = array<i64: 6>, steps = array<i64: 1>} : tensor<6xf32> -> tensor<4xf32>
// CHECK-NEXT:     %y = graph.concat %a, %b {axis = 0 : i64} : tensor<3xf32>, tensor<4xf32> -> tensor<7xf32>
// CHECK-NEXT:     func.return %y : tensor<7xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @concats_and_pads(%x: tensor<2xf32>, %z: tensor<1xf32>) -> tensor<8xf32> {
  %a = graph.concat %x, %z {axis = 0 : i64} : tensor<2xf32>, tensor<1xf32> -> tensor<3xf32>
  %b = graph.concat %z, %a {axis = 0 : i64} : tensor<1xf32>, tensor<3xf32> -> tensor<4xf32>
  %c = graph.pad %b {low = array<i64: 1>, high = array<i64: 0>} : tensor<4xf32> -> tensor<5xf32>
  %d = graph.pad %c {low = array<i64: 1>, high = array<i64: 2>} : tensor<5xf32> -> tensor<8xf32>
  func.return %d : tensor<8xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @concats_and_pads(%x: tensor<2xf32>, %z: tensor<1xf32>) -> tensor<8xf32> {
// CHECK-NEXT:     %b = graph.concat %z, %x, %z {axis = 0 : i64} : tensor<1xf32>, tensor<2xf32>, tensor<1xf32> -> tensor<4xf32>
// CHECK-NEXT:     %d = graph.pad %b {low = array<i64: 2>, high = array<i64: 2>} : tensor<4xf32> -> tensor<8xf32>
// CHECK-NEXT:     func.return %d : tensor<8xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }
