// RUN: penstock-opt %s -p update-in-place --split-input-file | filecheck %s

// The first call is the last to use %a.  The second one must leave %x to the caller, so the kernel is there twice.
builtin.module attributes {nest.machine = {l2 = 16 : i64}} {
  func.func @main(%x: memref<8xf32>, %y: memref<8xf32>, %z: memref<8xf32>) {
    %a = memref.alloc() : memref<8xf32>
    %b = memref.alloc() : memref<8xf32>
    func.call @double(%x, %a) : (memref<8xf32>, memref<8xf32>) -> ()
    func.call @add(%x, %a, %b) : (memref<8xf32>, memref<8xf32>, memref<8xf32>) -> ()
    func.call @add(%b, %x, %y) : (memref<8xf32>, memref<8xf32>, memref<8xf32>) -> ()
    func.call @double(%b, %z) : (memref<8xf32>, memref<8xf32>) -> ()
    func.return
  }
  func.func @double(%x: memref<8xf32>, %y: memref<8xf32> {nest.result}) attributes {nest.kernel} {
    nest.compute [i = 8] ins(%x["i"] : memref<8xf32>) outs(%y["i"] : memref<8xf32>) {
    ^bb0(%a: f32):
      %r = arith.addf %a, %a : f32
      nest.yield %r : f32
    }
    func.return
  }
  func.func @add(%x: memref<8xf32>, %r: memref<8xf32>, %y: memref<8xf32> {nest.result}) attributes {nest.kernel} {
    %flat = memref.expand_shape %r [[0, 1]] output_shape [2, 4] : memref<8xf32> into memref<2x4xf32>
    %out = memref.expand_shape %y [[0, 1]] output_shape [2, 4] : memref<8xf32> into memref<2x4xf32>
    %in = memref.expand_shape %x [[0, 1]] output_shape [2, 4] : memref<8xf32> into memref<2x4xf32>
    nest.compute [i = 2, j = 3] ins(%in["i, 3 - j"] : memref<2x4xf32>, %flat["i, j"] : memref<2x4xf32>) outs(%out["i, j"] : memref<2x4xf32>) {
    ^bb0(%a: f32, %b: f32):
      %s = arith.addf %a, %b : f32
      nest.yield %s : f32
    }
    nest.compute [i = 2] ins(%in["i, 0"] : memref<2x4xf32>, %flat["i, 3"] : memref<2x4xf32>) outs(%out["i, 3"] : memref<2x4xf32>) {
    ^bb0(%a: f32, %b: f32):
      %s = arith.addf %a, %b : f32
      nest.yield %s : f32
    }
    func.return
  }
}

// CHECK: builtin.module attributes {nest.machine = {l2 = 16 : i64}} {
// CHECK-NEXT:   func.func @main(%x: memref<8xf32>, %y: memref<8xf32>, %z: memref<8xf32>) {
// CHECK-NEXT:     %a = memref.alloc() : memref<8xf32>
// CHECK-NEXT:     func.call @double(%x, %a) : (memref<8xf32>, memref<8xf32>) -> ()
// CHECK-NEXT:     func.call @add_2_in_1(%x, %a) : (memref<8xf32>, memref<8xf32>) -> ()
// CHECK-NEXT:     func.call @add(%a, %x, %y) : (memref<8xf32>, memref<8xf32>, memref<8xf32>) -> ()
// CHECK-NEXT:     func.call @double(%a, %z) : (memref<8xf32>, memref<8xf32>) -> ()
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @double(%x: memref<8xf32>, %y: memref<8xf32> {nest.result}) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [i = 8] ins(%x["i"] : memref<8xf32>) outs(%y["i"] : memref<8xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       %r = arith.addf %a, %a : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @add(%x: memref<8xf32>, %r: memref<8xf32>, %y: memref<8xf32> {nest.result}) attributes {nest.kernel} {
// CHECK-NEXT{LITERAL}:     %flat = memref.expand_shape %r [[0 : i64, 1 : i64]] output_shape [2, 4] : memref<8xf32> into memref<2x4xf32>
// CHECK-NEXT{LITERAL}:     %out = memref.expand_shape %y [[0 : i64, 1 : i64]] output_shape [2, 4] : memref<8xf32> into memref<2x4xf32>
// CHECK-NEXT{LITERAL}:     %in = memref.expand_shape %x [[0 : i64, 1 : i64]] output_shape [2, 4] : memref<8xf32> into memref<2x4xf32>
// CHECK-NEXT:     nest.compute [i = 2, j = 3] ins(%in["i, -j + 3"] : memref<2x4xf32>, %flat["i, j"] : memref<2x4xf32>) outs(%out["i, j"] : memref<2x4xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32, %b: f32):
// CHECK-NEXT:       %s = arith.addf %a, %b : f32
// CHECK-NEXT:       nest.yield %s : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [i = 2] ins(%in["i, 0"] : memref<2x4xf32>, %flat["i, 3"] : memref<2x4xf32>) outs(%out["i, 3"] : memref<2x4xf32>) {
// CHECK-NEXT:     ^bb0(%a_1: f32, %b_1: f32):
// CHECK-NEXT:       %s_1 = arith.addf %a_1, %b_1 : f32
// CHECK-NEXT:       nest.yield %s_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @add_2_in_1(%x: memref<8xf32>, %r: memref<8xf32> {nest.result}) attributes {nest.kernel} {
// CHECK-NEXT{LITERAL}:     %flat = memref.expand_shape %r [[0 : i64, 1 : i64]] output_shape [2, 4] : memref<8xf32> into memref<2x4xf32>
// CHECK-NEXT{LITERAL}:     %out = memref.expand_shape %r [[0 : i64, 1 : i64]] output_shape [2, 4] : memref<8xf32> into memref<2x4xf32>
// CHECK-NEXT{LITERAL}:     %in = memref.expand_shape %x [[0 : i64, 1 : i64]] output_shape [2, 4] : memref<8xf32> into memref<2x4xf32>
// CHECK-NEXT:     nest.compute [i = 2, j = 3] ins(%in["i, -j + 3"] : memref<2x4xf32>, %flat["i, j"] : memref<2x4xf32>) outs(%out["i, j"] : memref<2x4xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32, %b: f32):
// CHECK-NEXT:       %s = arith.addf %a, %b : f32
// CHECK-NEXT:       nest.yield %s : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [i = 2] ins(%in["i, 0"] : memref<2x4xf32>, %flat["i, 3"] : memref<2x4xf32>) outs(%out["i, 3"] : memref<2x4xf32>) {
// CHECK-NEXT:     ^bb0(%a_1: f32, %b_1: f32):
// CHECK-NEXT:       %s_1 = arith.addf %a_1, %b_1 : f32
// CHECK-NEXT:       nest.yield %s_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Nothing fits: @reversed reads other elements than it writes, @blocked writes elements twice, %c fits into the
// cache, and %b is read once more.
builtin.module attributes {nest.machine = {l2 = 16 : i64}} {
  func.func @main(%x: memref<8xf32>, %y: memref<8xf32>) {
    %a = memref.alloc() : memref<8xf32>
    %b = memref.alloc() : memref<8xf32>
    %c = memref.alloc() : memref<4xf32>
    %d = memref.alloc() : memref<4xf32>
    %e = memref.alloc() : memref<8xf32>
    %f = memref.alloc() : memref<8xf32>
    func.call @reversed(%x, %a) : (memref<8xf32>, memref<8xf32>) -> ()
    func.call @reversed(%a, %b) : (memref<8xf32>, memref<8xf32>) -> ()
    func.call @copied(%b, %f) : (memref<8xf32>, memref<8xf32>) -> ()
    func.call @small(%c, %d) : (memref<4xf32>, memref<4xf32>) -> ()
    func.call @blocked(%d, %b, %e) : (memref<4xf32>, memref<8xf32>, memref<8xf32>) -> ()
    func.call @reversed(%f, %e) : (memref<8xf32>, memref<8xf32>) -> ()
    func.call @reversed(%e, %y) : (memref<8xf32>, memref<8xf32>) -> ()
    func.return
  }
  func.func @reversed(%x: memref<8xf32>, %y: memref<8xf32>) attributes {nest.kernel} {
    nest.compute [i = 8] ins(%x["7 - i"] : memref<8xf32>) outs(%y["i"] : memref<8xf32>) {
    ^bb0(%a: f32):
      nest.yield %a : f32
    }
    func.return
  }
  func.func @copied(%x: memref<8xf32>, %y: memref<8xf32>) attributes {nest.kernel} {
    nest.compute [i = 8] ins(%x["i"] : memref<8xf32>) outs(%y["i"] : memref<8xf32>) {
    ^bb0(%a: f32):
      nest.yield %a : f32
    }
    func.return
  }
  func.func @small(%x: memref<4xf32>, %y: memref<4xf32>) attributes {nest.kernel} {
    nest.compute [i = 4] ins(%x["i"] : memref<4xf32>) outs(%y["i"] : memref<4xf32>) {
    ^bb0(%a: f32):
      nest.yield %a : f32
    }
    func.return
  }
  func.func @blocked(%x: memref<4xf32>, %r: memref<8xf32>, %y: memref<8xf32>) attributes {nest.kernel} {
    nest.compute [i = 8, k = 2 reduce] ins(%x["k"] : memref<4xf32>) outs(%y["i"] : memref<8xf32>) init(0.0 : f32) {
    ^bb0(%a: f32, %s: f32):
      %t = arith.addf %s, %a : f32
      nest.yield %t : f32
    } {
    ^bb0(%s: f32):
      nest.yield %s : f32
    }
    nest.compute [i = 8, k = 2 reduce] ins(%x["k + 2"] : memref<4xf32>) with(%y["i"] : memref<8xf32>, %r["i"] : memref<8xf32>) outs(%y["i"] : memref<8xf32>) init(0.0 : f32) {
    ^bb0(%a: f32, %s: f32):
      %t = arith.addf %s, %a : f32
      nest.yield %t : f32
    } {
    ^bb0(%s: f32, %sofar: f32, %b: f32):
      %t = arith.addf %s, %sofar : f32
      %u = arith.addf %t, %b : f32
      nest.yield %u : f32
    }
    func.return
  }
}

// CHECK: builtin.module attributes {nest.machine = {l2 = 16 : i64}} {
// CHECK-NEXT:   func.func @main(%x: memref<8xf32>, %y: memref<8xf32>) {
// CHECK-NEXT:     %a = memref.alloc() : memref<8xf32>
// CHECK-NEXT:     %b = memref.alloc() : memref<8xf32>
// CHECK-NEXT:     %c = memref.alloc() : memref<4xf32>
// CHECK-NEXT:     %d = memref.alloc() : memref<4xf32>
// CHECK-NEXT:     %e = memref.alloc() : memref<8xf32>
// CHECK-NEXT:     %f = memref.alloc() : memref<8xf32>
// CHECK-NEXT:     func.call @reversed(%x, %a) : (memref<8xf32>, memref<8xf32>) -> ()
// CHECK-NEXT:     func.call @reversed(%a, %b) : (memref<8xf32>, memref<8xf32>) -> ()
// CHECK-NEXT:     func.call @copied(%b, %f) : (memref<8xf32>, memref<8xf32>) -> ()
// CHECK-NEXT:     func.call @small(%c, %d) : (memref<4xf32>, memref<4xf32>) -> ()
// CHECK-NEXT:     func.call @blocked(%d, %b, %e) : (memref<4xf32>, memref<8xf32>, memref<8xf32>) -> ()
// CHECK-NEXT:     func.call @reversed(%f, %e) : (memref<8xf32>, memref<8xf32>) -> ()
// CHECK-NEXT:     func.call @reversed(%e, %y) : (memref<8xf32>, memref<8xf32>) -> ()
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @reversed(%x: memref<8xf32>, %y: memref<8xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [i = 8] ins(%x["-i + 7"] : memref<8xf32>) outs(%y["i"] : memref<8xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       nest.yield %a : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @copied(%x: memref<8xf32>, %y: memref<8xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [i = 8] ins(%x["i"] : memref<8xf32>) outs(%y["i"] : memref<8xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       nest.yield %a : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @small(%x: memref<4xf32>, %y: memref<4xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [i = 4] ins(%x["i"] : memref<4xf32>) outs(%y["i"] : memref<4xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       nest.yield %a : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @blocked(%x: memref<4xf32>, %r: memref<8xf32>, %y: memref<8xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [i = 8, k = 2 reduce] ins(%x["k"] : memref<4xf32>) outs(%y["i"] : memref<8xf32>) init(0.000000e+00 : f32) {
// CHECK-NEXT:     ^bb0(%a: f32, %s: f32):
// CHECK-NEXT:       %t = arith.addf %s, %a : f32
// CHECK-NEXT:       nest.yield %t : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%s_1: f32):
// CHECK-NEXT:       nest.yield %s_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [i = 8, k = 2 reduce] ins(%x["k + 2"] : memref<4xf32>) with(%y["i"] : memref<8xf32>, %r["i"] : memref<8xf32>) outs(%y["i"] : memref<8xf32>) init(0.000000e+00 : f32) {
// CHECK-NEXT:     ^bb0(%a_1: f32, %s_2: f32):
// CHECK-NEXT:       %t_1 = arith.addf %s_2, %a_1 : f32
// CHECK-NEXT:       nest.yield %t_1 : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%s_3: f32, %sofar: f32, %b: f32):
// CHECK-NEXT:       %t_2 = arith.addf %s_3, %sofar : f32
// CHECK-NEXT:       %u = arith.addf %t_2, %b : f32
// CHECK-NEXT:       nest.yield %u : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
