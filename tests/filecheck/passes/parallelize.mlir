// RUN: penstock-opt %s -p "parallelize{threads=2 grain=100}" --split-input-file | filecheck %s

// All nests of a kernel, each at its outermost loop that runs more than once; a nest of one tile is one part's.
func.func @main(%x: memref<100x32xf32>, %y: memref<100x32xf32>) {
  func.call @k(%x, %y) : (memref<100x32xf32>, memref<100x32xf32>) -> ()
  func.return
}
func.func @k(%x: memref<100x32xf32>, %y: memref<100x32xf32>) attributes {nest.kernel} {
  nest.compute [n = 1, i = 96, j = 2, j.r = 16 vector 16] ins(%x["i, 16*j + j.r"] : memref<100x32xf32>)
    outs(%y["i, 16*j + j.r"] : memref<100x32xf32>) {
  ^bb0(%a: f32):
    %s = arith.addf %a, %a : f32
    nest.yield %s : f32
  }
  nest.compute [i = 1, i.r = 4 unroll, j = 1, j.r = 32 vector 16] ins(%x["i.r + 96, j.r"] : memref<100x32xf32>)
    outs(%y["i.r + 96, j.r"] : memref<100x32xf32>) {
  ^bb0(%a: f32):
    %s = arith.addf %a, %a : f32
    nest.yield %s : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @main(%x: memref<100x32xf32>, %y: memref<100x32xf32>) attributes {nest.threads = 2 : i64} {
// CHECK-NEXT:     func.call @k(%x, %y) {nest.parallel = 2 : i64} : (memref<100x32xf32>, memref<100x32xf32>) -> ()
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @k(%x: memref<100x32xf32>, %y: memref<100x32xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [n = 1, i = 96 thread, j = 2, j.r = 16 vector 16] ins(%x["i, 16*j + j.r"] : memref<100x32xf32>) outs(%y["i, 16*j + j.r"] : memref<100x32xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       %s = arith.addf %a, %a : f32
// CHECK-NEXT:       nest.yield %s : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [i = 1 thread, i.r = 4 unroll, j = 1, j.r = 32 vector 16] ins(%x["i.r + 96, j.r"] : memref<100x32xf32>) outs(%y["i.r + 96, j.r"] : memref<100x32xf32>) {
// CHECK-NEXT:     ^bb0(%a_1: f32):
// CHECK-NEXT:       %s_1 = arith.addf %a_1, %a_1 : f32
// CHECK-NEXT:       nest.yield %s_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Three iterations are two and one: the loop inside is shared more evenly.
func.func @k(%x: memref<3x320xf32>, %y: memref<3x320xf32>) attributes {nest.kernel} {
  nest.compute [i = 3, j = 320] ins(%x["i, j"] : memref<3x320xf32>) outs(%y["i, j"] : memref<3x320xf32>) {
  ^bb0(%a: f32):
    nest.yield %a : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @k(%x: memref<3x320xf32>, %y: memref<3x320xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [i = 3, j = 320 thread] ins(%x["i, j"] : memref<3x320xf32>) outs(%y["i, j"] : memref<3x320xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       nest.yield %a : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// What the second nest reads may be another part's work.
func.func @reads_result(%x: memref<640xf32>, %y: memref<640xf32>, %z: memref<640xf32>) attributes {nest.kernel} {
  nest.compute [i = 640] ins(%x["i"] : memref<640xf32>) outs(%y["i"] : memref<640xf32>) {
  ^bb0(%a: f32):
    nest.yield %a : f32
  }
  nest.compute [i = 640] ins(%y["i"] : memref<640xf32>) outs(%z["i"] : memref<640xf32>) {
  ^bb0(%a: f32):
    nest.yield %a : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @reads_result(%x: memref<640xf32>, %y: memref<640xf32>, %z: memref<640xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [i = 640] ins(%x["i"] : memref<640xf32>) outs(%y["i"] : memref<640xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       nest.yield %a : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [i = 640] ins(%y["i"] : memref<640xf32>) outs(%z["i"] : memref<640xf32>) {
// CHECK-NEXT:     ^bb0(%a_1: f32):
// CHECK-NEXT:       nest.yield %a_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Both nests write element 599.
func.func @writes_twice(%x: memref<640xf32>, %y: memref<640xf32>) attributes {nest.kernel} {
  nest.compute [i = 600] ins(%x["i"] : memref<640xf32>) outs(%y["i"] : memref<640xf32>) {
  ^bb0(%a: f32):
    nest.yield %a : f32
  }
  nest.compute [i = 41] ins(%x["i"] : memref<640xf32>) outs(%y["i + 599"] : memref<640xf32>) {
  ^bb0(%a: f32):
    nest.yield %a : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @writes_twice(%x: memref<640xf32>, %y: memref<640xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [i = 600] ins(%x["i"] : memref<640xf32>) outs(%y["i"] : memref<640xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       nest.yield %a : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [i = 41] ins(%x["i"] : memref<640xf32>) outs(%y["i + 599"] : memref<640xf32>) {
// CHECK-NEXT:     ^bb0(%a_1: f32):
// CHECK-NEXT:       nest.yield %a_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Stores at computed places may meet.
func.func @scatter(%x: memref<640xindex>, %y: memref<640xf32>, %z: memref<640xf32>) attributes {nest.kernel} {
  nest.compute [i = 640] ins(%x["i"] : memref<640xindex>) outs(%z["i"] : memref<640xf32>) {
  ^bb0(%at: index):
    %c = arith.constant 1.0 : f32
    memref.store %c, %y[%at] : memref<640xf32>
    nest.yield %c : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @scatter(%x: memref<640xindex>, %y: memref<640xf32>, %z: memref<640xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [i = 640] ins(%x["i"] : memref<640xindex>) outs(%z["i"] : memref<640xf32>) {
// CHECK-NEXT:     ^bb0(%at: index):
// CHECK-NEXT:       %c = arith.constant 1.000000e+00 : f32
// CHECK-NEXT:       memref.store %c, %y[%at] : memref<640xf32>
// CHECK-NEXT:       nest.yield %c : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Too little to do, and a nest without a loop that could be shared.
func.func @short(%x: memref<64xf32>, %y: memref<64xf32>) attributes {nest.kernel} {
  nest.compute [i = 64] ins(%x["i"] : memref<64xf32>) outs(%y["i"] : memref<64xf32>) {
  ^bb0(%a: f32):
    nest.yield %a : f32
  }
  func.return
}
func.func @one_tile(%x: memref<4096xf32>, %y: memref<1xf32>) attributes {nest.kernel} {
  nest.compute [k = 4096 reduce] ins(%x["k"] : memref<4096xf32>) outs(%y["0"] : memref<1xf32>) init(0.0 : f32) {
  ^bb0(%a: f32, %sum: f32):
    %s = arith.addf %sum, %a : f32
    nest.yield %s : f32
  } {
  ^bb0(%sum: f32):
    nest.yield %sum : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @short(%x: memref<64xf32>, %y: memref<64xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [i = 64] ins(%x["i"] : memref<64xf32>) outs(%y["i"] : memref<64xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       nest.yield %a : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @one_tile(%x: memref<4096xf32>, %y: memref<1xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [k = 4096 reduce] ins(%x["k"] : memref<4096xf32>) outs(%y["0"] : memref<1xf32>) init(0.000000e+00 : f32) {
// CHECK-NEXT:     ^bb0(%a: f32, %sum: f32):
// CHECK-NEXT:       %s = arith.addf %sum, %a : f32
// CHECK-NEXT:       nest.yield %s : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%sum_1: f32):
// CHECK-NEXT:       nest.yield %sum_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Three iterations make two parts uneven: each nest shares another loop, inside of the one that they walk together.
func.func @heads(%x: memref<3x640xf32>, %y: memref<3x640xf32>) attributes {nest.kernel} {
  nest.compute [h = 3, i = 320] ins(%x["h, i"] : memref<3x640xf32>) outs(%y["h, i"] : memref<3x640xf32>) attributes {together = "h"} {
  ^bb0(%a: f32):
    nest.yield %a : f32
  }
  nest.compute [h = 3, i = 320] ins(%x["h, i + 320"] : memref<3x640xf32>) outs(%y["h, i + 320"] : memref<3x640xf32>) attributes {together = "h"} {
  ^bb0(%a: f32):
    nest.yield %a : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @heads(%x: memref<3x640xf32>, %y: memref<3x640xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [h = 3, i = 320 thread] ins(%x["h, i"] : memref<3x640xf32>) outs(%y["h, i"] : memref<3x640xf32>) attributes {together = "h"} {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       nest.yield %a : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [h = 3, i = 320 thread] ins(%x["h, i + 320"] : memref<3x640xf32>) outs(%y["h, i + 320"] : memref<3x640xf32>) attributes {together = "h"} {
// CHECK-NEXT:     ^bb0(%a_1: f32):
// CHECK-NEXT:       nest.yield %a_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// What they walk together divides evenly, or nothing does better.
func.func @channels(%x: memref<4x63xf32>, %y: memref<4x63xf32>) attributes {nest.kernel} {
  nest.compute [c = 4, i = 62] ins(%x["c, i"] : memref<4x63xf32>) outs(%y["c, i"] : memref<4x63xf32>) attributes {together = "c"} {
  ^bb0(%a: f32):
    nest.yield %a : f32
  }
  nest.compute [c = 4, i = 1] ins(%x["c, i + 62"] : memref<4x63xf32>) outs(%y["c, i + 62"] : memref<4x63xf32>) attributes {together = "c"} {
  ^bb0(%a: f32):
    nest.yield %a : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @channels(%x: memref<4x63xf32>, %y: memref<4x63xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [c = 4 thread, i = 62] ins(%x["c, i"] : memref<4x63xf32>) outs(%y["c, i"] : memref<4x63xf32>) attributes {together = "c"} {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       nest.yield %a : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [c = 4 thread, i = 1] ins(%x["c, i + 62"] : memref<4x63xf32>) outs(%y["c, i + 62"] : memref<4x63xf32>) attributes {together = "c"} {
// CHECK-NEXT:     ^bb0(%a_1: f32):
// CHECK-NEXT:       nest.yield %a_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// An open size: whole tiles and what is left of them meet nowhere, whatever it is.
builtin.module attributes {nest.hints = {n = 100 : i64}} {
  func.func @k(%x: memref<?x32xf32, #nest.sizes<["n", ""]>>, %y: memref<?x32xf32, #nest.sizes<["n", ""]>>, %n: index {nest.symbol = "n"}) attributes {nest.kernel} {
    nest.compute [m = "n//8", t = 8, c = 32] ins(%x["8*m + t, c"] : memref<?x32xf32, #nest.sizes<["n", ""]>>) outs(%y["8*m + t, c"] : memref<?x32xf32, #nest.sizes<["n", ""]>>) {
    ^bb0(%a: f32):
      nest.yield %a : f32
    }
    nest.compute [m = "n - 8*(n//8)", c = 32] ins(%x["m + {8*(n//8)}, c"] : memref<?x32xf32, #nest.sizes<["n", ""]>>) outs(%y["m + {8*(n//8)}, c"] : memref<?x32xf32, #nest.sizes<["n", ""]>>) {
    ^bb0(%a: f32):
      nest.yield %a : f32
    }
    func.return
  }
  func.func @main(%x: memref<?x32xf32, #nest.sizes<["n", ""]>>, %y: memref<?x32xf32, #nest.sizes<["n", ""]>>, %n: index {nest.symbol = "n"}) {
    func.call @k(%x, %y, %n) : (memref<?x32xf32, #nest.sizes<["n", ""]>>, memref<?x32xf32, #nest.sizes<["n", ""]>>, index) -> ()
    func.return
  }
}

// CHECK: builtin.module attributes {nest.hints = {n = 100 : i64}} {
// CHECK-NEXT:   func.func @k(%x: memref<?x32xf32, #nest.sizes<["n", ""]>>, %y: memref<?x32xf32, #nest.sizes<["n", ""]>>, %n: index {nest.symbol = "n"}) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [m = "n//8" thread, t = 8, c = 32] ins(%x["8*m + t, c"] : memref<?x32xf32, #nest.sizes<["n", ""]>>) outs(%y["8*m + t, c"] : memref<?x32xf32, #nest.sizes<["n", ""]>>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       nest.yield %a : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [m = "n - 8*(n//8)" thread, c = 32] ins(%x["m + {8*(n//8)}, c"] : memref<?x32xf32, #nest.sizes<["n", ""]>>) outs(%y["m + {8*(n//8)}, c"] : memref<?x32xf32, #nest.sizes<["n", ""]>>) {
// CHECK-NEXT:     ^bb0(%a_1: f32):
// CHECK-NEXT:       nest.yield %a_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @main(%x: memref<?x32xf32, #nest.sizes<["n", ""]>>, %y: memref<?x32xf32, #nest.sizes<["n", ""]>>, %n: index {nest.symbol = "n"}) attributes {nest.threads = 2 : i64} {
// CHECK-NEXT:     func.call @k(%x, %y, %n) {nest.parallel = 2 : i64} : (memref<?x32xf32, #nest.sizes<["n", ""]>>, memref<?x32xf32, #nest.sizes<["n", ""]>>, index) -> ()
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Apart at the hint, but not at every size: the kernel stays whole.
builtin.module attributes {nest.hints = {n = 10 : i64}} {
  func.func @k(%x: memref<?x32xf32, #nest.sizes<["n", ""]>>, %y: memref<100x32xf32>, %n: index {nest.symbol = "n"}) attributes {nest.kernel} {
    nest.compute [m = "n", c = 32] ins(%x["m, c"] : memref<?x32xf32, #nest.sizes<["n", ""]>>) outs(%y["m, c"] : memref<100x32xf32>) {
    ^bb0(%a: f32):
      nest.yield %a : f32
    }
    nest.compute [m = 50, c = 32] ins(%x["0, c"] : memref<?x32xf32, #nest.sizes<["n", ""]>>) outs(%y["m + 50, c"] : memref<100x32xf32>) {
    ^bb0(%a: f32):
      nest.yield %a : f32
    }
    func.return
  }
  func.func @main(%x: memref<?x32xf32, #nest.sizes<["n", ""]>>, %y: memref<100x32xf32>, %n: index {nest.symbol = "n"}) {
    func.call @k(%x, %y, %n) : (memref<?x32xf32, #nest.sizes<["n", ""]>>, memref<100x32xf32>, index) -> ()
    func.return
  }
}

// CHECK: builtin.module attributes {nest.hints = {n = 10 : i64}} {
// CHECK-NEXT:   func.func @k(%x: memref<?x32xf32, #nest.sizes<["n", ""]>>, %y: memref<100x32xf32>, %n: index {nest.symbol = "n"}) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [m = "n", c = 32] ins(%x["m, c"] : memref<?x32xf32, #nest.sizes<["n", ""]>>) outs(%y["m, c"] : memref<100x32xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       nest.yield %a : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [m = 50, c = 32] ins(%x["0, c"] : memref<?x32xf32, #nest.sizes<["n", ""]>>) outs(%y["m + 50, c"] : memref<100x32xf32>) {
// CHECK-NEXT:     ^bb0(%a_1: f32):
// CHECK-NEXT:       nest.yield %a_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @main(%x: memref<?x32xf32, #nest.sizes<["n", ""]>>, %y: memref<100x32xf32>, %n: index {nest.symbol = "n"}) attributes {nest.threads = 2 : i64} {
// CHECK-NEXT:     func.call @k(%x, %y, %n) : (memref<?x32xf32, #nest.sizes<["n", ""]>>, memref<100x32xf32>, index) -> ()
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// What the second nest reads, the same iteration of the loop that they walk together has made.
func.func @chain(%x: memref<64x640xf32>, %t: memref<64x640xf32>, %y: memref<64x640xf32>) attributes {nest.kernel} {
  nest.compute [h = 64, i = 640] ins(%x["h, i"] : memref<64x640xf32>) outs(%t["h, i"] : memref<64x640xf32>) attributes {together = "h"} {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
    nest.yield %r : f32
  }
  nest.compute [h = 64, i = 640] ins(%t["h, i"] : memref<64x640xf32>) outs(%y["h, i"] : memref<64x640xf32>) attributes {together = "h"} {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
    nest.yield %r : f32
  }
  func.return
}
func.func @main(%x: memref<64x640xf32>, %t: memref<64x640xf32>, %y: memref<64x640xf32>) {
  func.call @chain(%x, %t, %y) : (memref<64x640xf32>, memref<64x640xf32>, memref<64x640xf32>) -> ()
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @chain(%x: memref<64x640xf32>, %t: memref<64x640xf32>, %y: memref<64x640xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [h = 64 thread, i = 640] ins(%x["h, i"] : memref<64x640xf32>) outs(%t["h, i"] : memref<64x640xf32>) attributes {together = "h"} {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       %r = math.exp %a : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [h = 64 thread, i = 640] ins(%t["h, i"] : memref<64x640xf32>) outs(%y["h, i"] : memref<64x640xf32>) attributes {together = "h"} {
// CHECK-NEXT:     ^bb0(%a_1: f32):
// CHECK-NEXT:       %r_1 = math.exp %a_1 : f32
// CHECK-NEXT:       nest.yield %r_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @main(%x: memref<64x640xf32>, %t: memref<64x640xf32>, %y: memref<64x640xf32>) attributes {nest.threads = 2 : i64} {
// CHECK-NEXT:     func.call @chain(%x, %t, %y) {nest.parallel = 4 : i64} : (memref<64x640xf32>, memref<64x640xf32>, memref<64x640xf32>) -> ()
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
