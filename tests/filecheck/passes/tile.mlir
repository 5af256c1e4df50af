// RUN: penstock-opt %s -p tile --split-input-file | filecheck %s

// Twelve columns are one whole tile and a rest.
func.func @k(%x: memref<4x3xf32>, %w: memref<3x12xf32>, %y: memref<4x12xf32>) attributes {nest.kernel} {
  nest.compute [m = 4, n = 12, k = 3 reduce] ins(%x["m, k"] : memref<4x3xf32>, %w["k, n"] : memref<3x12xf32>) outs(%y["m, n"] : memref<4x12xf32>) init(0.0 : f32) attributes {schedule = {order = ["n", "m", "k"], tiles = {n = 8 : i64, m = 2 : i64}, unroll = ["k"], vector = "n", lanes = 4 : i64}} {
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
// CHECK-NEXT:     nest.compute [m = 2, n = 1, k = 3 reduce, n.r = 8, m.r = 2] ins(%x["2*m + m.r, k"] : memref<4x3xf32>, %w["k, 8*n + n.r"] : memref<3x12xf32>) outs(%y["2*m + m.r, 8*n + n.r"] : memref<4x12xf32>) init(0.000000e+00 : f32) attributes {schedule = {order = ["n", "m", "k"], tiles = {n = 8 : i64, m = 2 : i64}, unroll = ["k"], vector = "n", lanes = 4 : i64}} {
// CHECK-NEXT:     ^bb0(%a: f32, %b: f32, %sum: f32):
// CHECK-NEXT:       %n = math.fma %a, %b, %sum : f32
// CHECK-NEXT:       nest.yield %n : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%sum_1: f32):
// CHECK-NEXT:       nest.yield %sum_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [m = 2, n = 1, k = 3 reduce, n.r = 4, m.r = 2] ins(%x["2*m + m.r, k"] : memref<4x3xf32>, %w["k, 4*n + n.r + 8"] : memref<3x12xf32>) outs(%y["2*m + m.r, 4*n + n.r + 8"] : memref<4x12xf32>) init(0.000000e+00 : f32) attributes {schedule = {order = ["n", "m", "k"], tiles = {n = 8 : i64, m = 2 : i64}, unroll = ["k"], vector = "n", lanes = 4 : i64}} {
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

// Of a size that a call decides, what whole tiles leave over runs one by one.
func.func @open(%x: memref<?x4xf32, #nest.sizes<["n", ""]>>, %y: memref<?x4xf32, #nest.sizes<["n", ""]>>, %n: index {nest.symbol = "n"}) attributes {nest.kernel} {
  nest.compute [m = "n", c = 4] ins(%x["m, c"] : memref<?x4xf32, #nest.sizes<["n", ""]>>) outs(%y["m, c"] : memref<?x4xf32, #nest.sizes<["n", ""]>>) attributes {schedule = {order = ["m", "c"], tiles = {m = 6 : i64}, unroll = [], vector = "", lanes = 1 : i64}} {
  ^bb0(%a: f32):
    nest.yield %a : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @open(%x: memref<?x4xf32, #nest.sizes<["n", ""]>>, %y: memref<?x4xf32, #nest.sizes<["n", ""]>>, %n: index {nest.symbol = "n"}) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [m = "n//6", c = 4, m.r = 6] ins(%x["6*m + m.r, c"] : memref<?x4xf32, #nest.sizes<["n", ""]>>) outs(%y["6*m + m.r, c"] : memref<?x4xf32, #nest.sizes<["n", ""]>>) attributes {schedule = {order = ["m", "c"], tiles = {m = 6 : i64}, unroll = [], vector = "", lanes = 1 : i64}} {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       nest.yield %a : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [m = "n//2 - 3*(n//6)", c = 4, m.r = 2] ins(%x["2*m + m.r + {6*(n//6)}, c"] : memref<?x4xf32, #nest.sizes<["n", ""]>>) outs(%y["2*m + m.r + {6*(n//6)}, c"] : memref<?x4xf32, #nest.sizes<["n", ""]>>) attributes {schedule = {order = ["m", "c"], tiles = {m = 6 : i64}, unroll = [], vector = "", lanes = 1 : i64}} {
// CHECK-NEXT:     ^bb0(%a_1: f32):
// CHECK-NEXT:       nest.yield %a_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [m = "n - 2*(n//2)", c = 4, m.r = 1] ins(%x["m + m.r + {2*(n//2)}, c"] : memref<?x4xf32, #nest.sizes<["n", ""]>>) outs(%y["m + m.r + {2*(n//2)}, c"] : memref<?x4xf32, #nest.sizes<["n", ""]>>) attributes {schedule = {order = ["m", "c"], tiles = {m = 6 : i64}, unroll = [], vector = "", lanes = 1 : i64}} {
// CHECK-NEXT:     ^bb0(%a_2: f32):
// CHECK-NEXT:       nest.yield %a_2 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// A long sum that whole tiles do not divide goes on with what they left over, and ends there.
func.func @sum(%x: memref<2x37xf32>, %b: memref<2xf32>, %y: memref<2xf32>) attributes {nest.kernel} {
  nest.compute [m = 2, k = 37 reduce] ins(%x["m, k"] : memref<2x37xf32>) with(%b["m"] : memref<2xf32>) outs(%y["m"] : memref<2xf32>) init(0.0 : f64) attributes {schedule = {order = ["m", "k"], tiles = {k = 4 : i64}, unroll = [], vector = "k", lanes = 4 : i64}} {
  ^bb0(%a: f32, %sum: f64):
    %wide = arith.extf %a : f32 to f64
    %n = arith.addf %sum, %wide : f64
    nest.yield %n : f64
  } {
  ^bb0(%sum: f64, %bias: f32):
    %narrow = arith.truncf %sum : f64 to f32
    %r = arith.addf %narrow, %bias : f32
    nest.yield %r : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @sum(%x: memref<2x37xf32>, %b: memref<2xf32>, %y: memref<2xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [m = 2, k = 9 reduce, k.r = 4 reduce] ins(%x["m, 4*k + k.r"] : memref<2x37xf32>) outs(%y["m"] : memref<2xf32>) init(0.000000e+00 : f64) attributes {schedule = {order = ["m", "k"], tiles = {k = 4 : i64}, unroll = [], vector = "k", lanes = 4 : i64}} {
// CHECK-NEXT:     ^bb0(%a: f32, %sum: f64):
// CHECK-NEXT:       %wide = arith.extf %a : f32 to f64
// CHECK-NEXT:       %n = arith.addf %sum, %wide : f64
// CHECK-NEXT:       nest.yield %n : f64
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%0: f64):
// CHECK-NEXT:       %1 = arith.truncf %0 : f64 to f32
// CHECK-NEXT:       nest.yield %1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [m = 2, k = 1 reduce, k.r = 1 reduce] ins(%x["m, k + k.r + 36"] : memref<2x37xf32>) with(%y["m"] : memref<2xf32>, %b["m"] : memref<2xf32>) outs(%y["m"] : memref<2xf32>) init(0.000000e+00 : f64) attributes {schedule = {order = ["m", "k"], tiles = {k = 4 : i64}, unroll = [], vector = "k", lanes = 4 : i64}} {
// CHECK-NEXT:     ^bb0(%a_1: f32, %sum_1: f64):
// CHECK-NEXT:       %wide_1 = arith.extf %a_1 : f32 to f64
// CHECK-NEXT:       %n_1 = arith.addf %sum_1, %wide_1 : f64
// CHECK-NEXT:       nest.yield %n_1 : f64
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%2: f64, %3: f32, %4: f32):
// CHECK-NEXT:       %5 = arith.extf %3 : f32 to f64
// CHECK-NEXT:       %6 = arith.addf %5, %2 : f64
// CHECK-NEXT:       %narrow = arith.truncf %6 : f64 to f32
// CHECK-NEXT:       %r = arith.addf %narrow, %4 : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// So does one of an open length, in tiles of three sizes.
func.func @open_max(%x: memref<?xf32, #nest.sizes<["n"]>>, %y: memref<f32>, %n: index {nest.symbol = "n"}) attributes {nest.kernel} {
  nest.compute [k = "n" reduce] ins(%x["k"] : memref<?xf32, #nest.sizes<["n"]>>) outs(%y[""] : memref<f32>) init(0xFF800000 : f32) attributes {schedule = {order = ["k"], tiles = {k = 16 : i64}, unroll = [], vector = "k", lanes = 4 : i64}} {
  ^bb0(%a: f32, %most: f32):
    %more = arith.maximumf %most, %a : f32
    nest.yield %more : f32
  } {
  ^bb0(%most: f32):
    nest.yield %most : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @open_max(%x: memref<?xf32, #nest.sizes<["n"]>>, %y: memref<f32>, %n: index {nest.symbol = "n"}) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [k = "n//16" reduce, k.r = 16 reduce] ins(%x["16*k + k.r"] : memref<?xf32, #nest.sizes<["n"]>>) outs(%y[""] : memref<f32>) init(0xff800000 : f32) attributes {schedule = {order = ["k"], tiles = {k = 16 : i64}, unroll = [], vector = "k", lanes = 4 : i64}} {
// CHECK-NEXT:     ^bb0(%a: f32, %most: f32):
// CHECK-NEXT:       %more = arith.maximumf %most, %a : f32
// CHECK-NEXT:       nest.yield %more : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%0: f32):
// CHECK-NEXT:       nest.yield %0 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [k = "-4*(n//16) + n//4" reduce, k.r = 4 reduce] ins(%x["4*k + k.r + {16*(n//16)}"] : memref<?xf32, #nest.sizes<["n"]>>) with(%y[""] : memref<f32>) outs(%y[""] : memref<f32>) init(0xff800000 : f32) attributes {schedule = {order = ["k"], tiles = {k = 16 : i64}, unroll = [], vector = "k", lanes = 4 : i64}} {
// CHECK-NEXT:     ^bb0(%a_1: f32, %most_1: f32):
// CHECK-NEXT:       %more_1 = arith.maximumf %most_1, %a_1 : f32
// CHECK-NEXT:       nest.yield %more_1 : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%1: f32, %2: f32):
// CHECK-NEXT:       %3 = arith.maximumf %2, %1 : f32
// CHECK-NEXT:       nest.yield %3 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [k = "n - 4*(n//4)" reduce, k.r = 1 reduce] ins(%x["k + k.r + {4*(n//4)}"] : memref<?xf32, #nest.sizes<["n"]>>) with(%y[""] : memref<f32>) outs(%y[""] : memref<f32>) init(0xff800000 : f32) attributes {schedule = {order = ["k"], tiles = {k = 16 : i64}, unroll = [], vector = "k", lanes = 4 : i64}} {
// CHECK-NEXT:     ^bb0(%a_2: f32, %most_2: f32):
// CHECK-NEXT:       %more_2 = arith.maximumf %most_2, %a_2 : f32
// CHECK-NEXT:       nest.yield %more_2 : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%4: f32, %5: f32):
// CHECK-NEXT:       %6 = arith.maximumf %5, %4 : f32
// CHECK-NEXT:       nest.yield %6 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Sums in single precision would lose bits where half ones are kept: they get a tile that divides them.
func.func @half(%x: memref<35xf16>, %y: memref<f16>) attributes {nest.kernel} {
  nest.compute [k = 35 reduce] ins(%x["k"] : memref<35xf16>) outs(%y[""] : memref<f16>) init(0.0 : f32) attributes {schedule = {order = ["k"], tiles = {k = 4 : i64}, unroll = [], vector = "k", lanes = 4 : i64}} {
  ^bb0(%a: f16, %sum: f32):
    %wide = arith.extf %a : f16 to f32
    %n = arith.addf %sum, %wide : f32
    nest.yield %n : f32
  } {
  ^bb0(%sum: f32):
    %r = arith.truncf %sum : f32 to f16
    nest.yield %r : f16
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @half(%x: memref<35xf16>, %y: memref<f16>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [k = 35 reduce, k.r = 1 reduce] ins(%x["k + k.r"] : memref<35xf16>) outs(%y[""] : memref<f16>) init(0.000000e+00 : f32) attributes {schedule = {order = ["k"], tiles = {k = 4 : i64}, unroll = [], vector = "k", lanes = 4 : i64}} {
// CHECK-NEXT:     ^bb0(%a: f16, %sum: f32):
// CHECK-NEXT:       %wide = arith.extf %a : f16 to f32
// CHECK-NEXT:       %n = arith.addf %sum, %wide : f32
// CHECK-NEXT:       nest.yield %n : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%sum_1: f32):
// CHECK-NEXT:       %r = arith.truncf %sum_1 : f32 to f16
// CHECK-NEXT:       nest.yield %r : f16
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
