// RUN: penstock-opt %s -p plan-schedule --split-input-file | filecheck %s

// Columns are contiguous in both buffers: they are the lanes.
func.func @k(%x: memref<4x3xf32>, %w: memref<3x12xf32>, %y: memref<4x12xf32>) attributes {nest.kernel} {
  nest.compute [m = 4, n = 12, k = 3 reduce] ins(%x["m, k"] : memref<4x3xf32>, %w["k, n"] : memref<3x12xf32>) outs(%y["m, n"] : memref<4x12xf32>) init(0.0 : f32) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %n = math.fma %a, %b, %sum : f32
  nest.yield %n : f32
  } {
  ^bb0(%sum: f32):
  nest.yield %sum : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @k(%x: memref<4x3xf32>, %w: memref<3x12xf32>, %y: memref<4x12xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [m = 4, n = 12, k = 3 reduce] ins(%x["m, k"] : memref<4x3xf32>, %w["k, n"] : memref<3x12xf32>) outs(%y["m, n"] : memref<4x12xf32>) init(0.000000e+00 : f32) attributes {schedule = {order = ["m", "n", "k"], tiles = {m = 4 : i64, n = 12 : i64}, unroll = ["k"], vector = "n", lanes = 8 : i64}} {
// CHECK-NEXT:     ^bb0(%a: f32, %b: f32, %sum: f32):
// CHECK-NEXT:       %n = math.fma %a, %b, %sum : f32
// CHECK-NEXT:       nest.yield %n : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%sum_1: f32):
// CHECK-NEXT:       nest.yield %sum_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// A kernel with a choice takes it: here the tiles behind the cheapest for a vector loop of eight.
func.func @chosen(%x: memref<4x3xf32>, %w: memref<3x12xf32>, %y: memref<4x12xf32>) attributes {nest.kernel, nest.choice = "n=8 tile=1"} {
  nest.compute [m = 4, n = 12, k = 3 reduce] ins(%x["m, k"] : memref<4x3xf32>, %w["k, n"] : memref<3x12xf32>) outs(%y["m, n"] : memref<4x12xf32>) init(0.0 : f32) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %n = math.fma %a, %b, %sum : f32
  nest.yield %n : f32
  } {
  ^bb0(%sum: f32):
  nest.yield %sum : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @chosen(%x: memref<4x3xf32>, %w: memref<3x12xf32>, %y: memref<4x12xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [m = 4, n = 12, k = 3 reduce] ins(%x["m, k"] : memref<4x3xf32>, %w["k, n"] : memref<3x12xf32>) outs(%y["m, n"] : memref<4x12xf32>) init(0.000000e+00 : f32) attributes {schedule = {order = ["m", "n", "k"], tiles = {m = 2 : i64, n = 8 : i64}, unroll = ["k"], vector = "n", lanes = 8 : i64}} {
// CHECK-NEXT:     ^bb0(%a: f32, %b: f32, %sum: f32):
// CHECK-NEXT:       %n = math.fma %a, %b, %sum : f32
// CHECK-NEXT:       nest.yield %n : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%sum_1: f32):
// CHECK-NEXT:       nest.yield %sum_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// The choice may be against vectors.
func.func @scalar(%x: memref<4x12xf32>, %y: memref<4x12xf32>) attributes {nest.kernel, nest.choice = "scalar"} {
  nest.compute [m = 4, n = 12] ins(%x["m, n"] : memref<4x12xf32>) outs(%y["m, n"] : memref<4x12xf32>) {
  ^bb0(%0: f32):
    nest.yield %0 : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @scalar(%x: memref<4x12xf32>, %y: memref<4x12xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [m = 4, n = 12] ins(%x["m, n"] : memref<4x12xf32>) outs(%y["m, n"] : memref<4x12xf32>) attributes {schedule = {order = ["m", "n"], tiles = {}, unroll = [], vector = "", lanes = 1 : i64}} {
// CHECK-NEXT:     ^bb0(%0: f32):
// CHECK-NEXT:       nest.yield %0 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// The weights of three taps fit into registers beside four positions of two vectors, a whole line of the cache.
func.func @depthwise(%x: memref<40x40x64xf32>, %w: memref<64x3xf32> {nest.constant}, %y: memref<40x38x64xf32>) attributes {nest.kernel} {
  nest.compute [i = 40, j = 38, g = 64, l = 3 reduce] ins(%x["i, j + l, g"] : memref<40x40x64xf32>, %w["g, l"] : memref<64x3xf32>) outs(%y["i, j, g"] : memref<40x38x64xf32>) init(0.0 : f32) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %n = math.fma %a, %b, %sum : f32
    nest.yield %n : f32
  } {
  ^bb0(%sum: f32):
    nest.yield %sum : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @depthwise(%x: memref<40x40x64xf32>, %w: memref<64x3xf32> {nest.constant}, %y: memref<40x38x64xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [i = 40, j = 38, g = 64, l = 3 reduce] ins(%x["i, j + l, g"] : memref<40x40x64xf32>, %w["g, l"] : memref<64x3xf32>) outs(%y["i, j, g"] : memref<40x38x64xf32>) init(0.000000e+00 : f32) attributes {schedule = {order = ["i", "j", "g", "l"], tiles = {j = 4 : i64, g = 16 : i64}, unroll = ["l"], vector = "g", lanes = 8 : i64}} {
// CHECK-NEXT:     ^bb0(%a: f32, %b: f32, %sum: f32):
// CHECK-NEXT:       %n = math.fma %a, %b, %sum : f32
// CHECK-NEXT:       nest.yield %n : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%sum_1: f32):
// CHECK-NEXT:       nest.yield %sum_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// One channel: the lanes are positions.  The border, a single one, has no such loop, and needs no vectors.
func.func @border(%x: memref<8x40xf32>, %w: memref<3xf32> {nest.constant}, %y: memref<8x40xf32>) attributes {nest.kernel} {
  nest.compute [i = 8, l = 2 reduce] ins(%x["i, l"] : memref<8x40xf32>, %w["l + 1"] : memref<3xf32>) outs(%y["i, 0"] : memref<8x40xf32>) init(0.0 : f32) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %n = math.fma %a, %b, %sum : f32
    nest.yield %n : f32
  } {
  ^bb0(%sum: f32):
    nest.yield %sum : f32
  }
  nest.compute [i = 8, j = 38, l = 3 reduce] ins(%x["i, j + l"] : memref<8x40xf32>, %w["l"] : memref<3xf32>) outs(%y["i, j + 1"] : memref<8x40xf32>) init(0.0 : f32) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %n = math.fma %a, %b, %sum : f32
    nest.yield %n : f32
  } {
  ^bb0(%sum: f32):
    nest.yield %sum : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @border(%x: memref<8x40xf32>, %w: memref<3xf32> {nest.constant}, %y: memref<8x40xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [i = 8, l = 2 reduce] ins(%x["i, l"] : memref<8x40xf32>, %w["l + 1"] : memref<3xf32>) outs(%y["i, 0"] : memref<8x40xf32>) init(0.000000e+00 : f32) attributes {schedule = {order = ["i", "l"], tiles = {i = 8 : i64}, unroll = ["l"], vector = "", lanes = 1 : i64}} {
// CHECK-NEXT:     ^bb0(%a: f32, %b: f32, %sum: f32):
// CHECK-NEXT:       %n = math.fma %a, %b, %sum : f32
// CHECK-NEXT:       nest.yield %n : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%sum_1: f32):
// CHECK-NEXT:       nest.yield %sum_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [i = 8, j = 38, l = 3 reduce] ins(%x["i, j + l"] : memref<8x40xf32>, %w["l"] : memref<3xf32>) outs(%y["i, j + 1"] : memref<8x40xf32>) init(0.000000e+00 : f32) attributes {schedule = {order = ["i", "j", "l"], tiles = {i = 8 : i64, j = 8 : i64}, unroll = ["l"], vector = "j", lanes = 8 : i64}} {
// CHECK-NEXT:     ^bb0(%a_1: f32, %b_1: f32, %sum_2: f32):
// CHECK-NEXT:       %n_1 = math.fma %a_1, %b_1, %sum_2 : f32
// CHECK-NEXT:       nest.yield %n_1 : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%sum_3: f32):
// CHECK-NEXT:       nest.yield %sum_3 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// A depthwise convolution: the window moves down a strip of columns, whose rows it has in common with the place before.
func.func @depthwise(%x: memref<30x30x32xf32>, %w: memref<3x3x32xf32>, %y: memref<28x28x32xf32>) attributes {nest.kernel} {
  nest.compute [h = 28, w = 28, c = 32, kh = 3 reduce, kw = 3 reduce] ins(%x["h + kh, w + kw, c"] : memref<30x30x32xf32>, %w["kh, kw, c"] : memref<3x3x32xf32>) outs(%y["h, w, c"] : memref<28x28x32xf32>) init(0.0 : f32) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %n = math.fma %a, %b, %sum : f32
  nest.yield %n : f32
  } {
  ^bb0(%sum: f32):
  nest.yield %sum : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @depthwise(%x: memref<30x30x32xf32>, %w: memref<3x3x32xf32>, %y: memref<28x28x32xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [h = 28, w = 28, c = 32, kh = 3 reduce, kw = 3 reduce] ins(%x["h + kh, w + kw, c"] : memref<30x30x32xf32>, %w["kh, kw, c"] : memref<3x3x32xf32>) outs(%y["h, w, c"] : memref<28x28x32xf32>) init(0.000000e+00 : f32) attributes {schedule = {order = ["w", "c", "h", "kh", "kw"], tiles = {h = 2 : i64, w = 4 : i64, c = 8 : i64}, unroll = ["kw", "kh"], vector = "c", lanes = 8 : i64}} {
// CHECK-NEXT:     ^bb0(%a: f32, %b: f32, %sum: f32):
// CHECK-NEXT:       %n = math.fma %a, %b, %sum : f32
// CHECK-NEXT:       nest.yield %n : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%sum_1: f32):
// CHECK-NEXT:       nest.yield %sum_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// A transpose: squares of as many rows as a vector has lanes.
func.func @transpose(%x: memref<40x24xf32>, %y: memref<24x40xf32>) attributes {nest.kernel} {
  nest.compute [i = 24, j = 40] ins(%x["j, i"] : memref<40x24xf32>) outs(%y["i, j"] : memref<24x40xf32>) {
  ^bb0(%a: f32):
  nest.yield %a : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @transpose(%x: memref<40x24xf32>, %y: memref<24x40xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [i = 24, j = 40] ins(%x["j, i"] : memref<40x24xf32>) outs(%y["i, j"] : memref<24x40xf32>) attributes {schedule = {order = ["i", "j"], tiles = {i = 8 : i64, j = 40 : i64}, unroll = [], vector = "j", lanes = 8 : i64}} {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       nest.yield %a : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Sums of nothing have a schedule too.
func.func @nothing(%x: memref<2x0xf32>, %y: memref<2xf32>) attributes {nest.kernel} {
  nest.compute [m = 2, k = 0 reduce] ins(%x["m, k"] : memref<2x0xf32>) outs(%y["m"] : memref<2xf32>) init(0.0 : f32) {
  ^bb0(%a: f32, %sum: f32):
    %n = arith.addf %sum, %a : f32
  nest.yield %n : f32
  } {
  ^bb0(%sum: f32):
  nest.yield %sum : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @nothing(%x: memref<2x0xf32>, %y: memref<2xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [m = 2, k = 0 reduce] ins(%x["m, k"] : memref<2x0xf32>) outs(%y["m"] : memref<2xf32>) init(0.000000e+00 : f32) attributes {schedule = {order = ["m", "k"], tiles = {m = 2 : i64}, unroll = [], vector = "m", lanes = 2 : i64}} {
// CHECK-NEXT:     ^bb0(%a: f32, %sum: f32):
// CHECK-NEXT:       %n = arith.addf %sum, %a : f32
// CHECK-NEXT:       nest.yield %n : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%sum_1: f32):
// CHECK-NEXT:       nest.yield %sum_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
