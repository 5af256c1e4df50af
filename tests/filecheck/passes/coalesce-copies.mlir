// RUN: penstock-opt %s -p coalesce-copies --split-input-file | filecheck %s

// %a lies in %b from the start: what makes it writes there, and what reads it reads there.
func.func @main(%x: memref<4x2xf32>, %y: memref<4x2xf32>, %z: memref<4x5xf32>) {
  %a = memref.alloc() : memref<4x2xf32>
  nest.compute [i = 4, j = 2] ins(%x["i, j"] : memref<4x2xf32>) outs(%a["i, j"] : memref<4x2xf32>) {
  ^bb0(%v: f32):
    %r = math.exp %v : f32
    nest.yield %r : f32
  }
  nest.compute [i = 4, j = 2] ins(%a["i, j"] : memref<4x2xf32>) outs(%y["i, j"] : memref<4x2xf32>) {
  ^bb0(%v: f32):
    %r = math.exp %v : f32
    nest.yield %r : f32
  }
  %b = memref.alloc() : memref<4x5xf32>
  nest.compute [i = 4, j = 2] ins(%a["i, j"] : memref<4x2xf32>) outs(%b["i, j + 3"] : memref<4x5xf32>) {
  ^bb0(%v: f32):
    nest.yield %v : f32
  }
  nest.compute [i = 4, j = 3] ins(%x["i, 0"] : memref<4x2xf32>) outs(%b["i, j"] : memref<4x5xf32>) {
  ^bb0(%v: f32):
    nest.yield %v : f32
  }
  nest.compute [i = 4, j = 5] ins(%b["i, j"] : memref<4x5xf32>) outs(%z["i, j"] : memref<4x5xf32>) {
  ^bb0(%v: f32):
    %r = math.exp %v : f32
    nest.yield %r : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @main(%x: memref<4x2xf32>, %y: memref<4x2xf32>, %z: memref<4x5xf32>) {
// CHECK-NEXT:     %b = memref.alloc() : memref<4x5xf32>
// CHECK-NEXT:     nest.compute [i = 4, j = 2] ins(%x["i, j"] : memref<4x2xf32>) outs(%b["i, j + 3"] : memref<4x5xf32>) attributes {nodes = []} {
// CHECK-NEXT:     ^bb0(%v: f32):
// CHECK-NEXT:       %r = math.exp %v : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [i = 4, j = 2] ins(%b["i, j + 3"] : memref<4x5xf32>) outs(%y["i, j"] : memref<4x2xf32>) {
// CHECK-NEXT:     ^bb0(%v_1: f32):
// CHECK-NEXT:       %r_1 = math.exp %v_1 : f32
// CHECK-NEXT:       nest.yield %r_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [i = 4, j = 3] ins(%x["i, 0"] : memref<4x2xf32>) outs(%b["i, j"] : memref<4x5xf32>) {
// CHECK-NEXT:     ^bb0(%v_2: f32):
// CHECK-NEXT:       nest.yield %v_2 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [i = 4, j = 5] ins(%b["i, j"] : memref<4x5xf32>) outs(%z["i, j"] : memref<4x5xf32>) {
// CHECK-NEXT:     ^bb0(%v_3: f32):
// CHECK-NEXT:       %r_2 = math.exp %v_3 : f32
// CHECK-NEXT:       nest.yield %r_2 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// A sum reads %a again and again.
func.func @main(%x: memref<4x2xf32>, %y: memref<4xf32>, %z: memref<4x5xf32>) {
  %a = memref.alloc() : memref<4x2xf32>
  nest.compute [i = 4, j = 2] ins(%x["i, j"] : memref<4x2xf32>) outs(%a["i, j"] : memref<4x2xf32>) {
  ^bb0(%v: f32):
    %r = math.exp %v : f32
    nest.yield %r : f32
  }
  nest.compute [i = 4, j = 2 reduce] ins(%a["i, j"] : memref<4x2xf32>) outs(%y["i"] : memref<4xf32>) init(0.0 : f32) {
  ^bb0(%v: f32, %s: f32):
    %t = arith.addf %v, %s : f32
    nest.yield %t : f32
  } {
  ^bb0(%s: f32):
    nest.yield %s : f32
  }
  %b = memref.alloc() : memref<4x5xf32>
  nest.compute [i = 4, j = 2] ins(%a["i, j"] : memref<4x2xf32>) outs(%b["i, j"] : memref<4x5xf32>) {
  ^bb0(%v: f32):
    nest.yield %v : f32
  }
  nest.compute [i = 4, j = 3] ins(%x["i, 0"] : memref<4x2xf32>) outs(%b["i, j + 2"] : memref<4x5xf32>) {
  ^bb0(%v: f32):
    nest.yield %v : f32
  }
  nest.compute [i = 4, j = 5] ins(%b["i, j"] : memref<4x5xf32>) outs(%z["i, j"] : memref<4x5xf32>) {
  ^bb0(%v: f32):
    %r = math.exp %v : f32
    nest.yield %r : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @main(%x: memref<4x2xf32>, %y: memref<4xf32>, %z: memref<4x5xf32>) {
// CHECK-NEXT:     %a = memref.alloc() : memref<4x2xf32>
// CHECK-NEXT:     nest.compute [i = 4, j = 2] ins(%x["i, j"] : memref<4x2xf32>) outs(%a["i, j"] : memref<4x2xf32>) {
// CHECK-NEXT:     ^bb0(%v: f32):
// CHECK-NEXT:       %r = math.exp %v : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [i = 4, j = 2 reduce] ins(%a["i, j"] : memref<4x2xf32>) outs(%y["i"] : memref<4xf32>) init(0.000000e+00 : f32) {
// CHECK-NEXT:     ^bb0(%v_1: f32, %s: f32):
// CHECK-NEXT:       %t = arith.addf %v_1, %s : f32
// CHECK-NEXT:       nest.yield %t : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%s_1: f32):
// CHECK-NEXT:       nest.yield %s_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     %b = memref.alloc() : memref<4x5xf32>
// CHECK-NEXT:     nest.compute [i = 4, j = 2] ins(%a["i, j"] : memref<4x2xf32>) outs(%b["i, j"] : memref<4x5xf32>) {
// CHECK-NEXT:     ^bb0(%v_2: f32):
// CHECK-NEXT:       nest.yield %v_2 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [i = 4, j = 3] ins(%x["i, 0"] : memref<4x2xf32>) outs(%b["i, j + 2"] : memref<4x5xf32>) {
// CHECK-NEXT:     ^bb0(%v_3: f32):
// CHECK-NEXT:       nest.yield %v_3 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [i = 4, j = 5] ins(%b["i, j"] : memref<4x5xf32>) outs(%z["i, j"] : memref<4x5xf32>) {
// CHECK-NEXT:     ^bb0(%v_4: f32):
// CHECK-NEXT:       %r_1 = math.exp %v_4 : f32
// CHECK-NEXT:       nest.yield %r_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Another nest writes over what was copied: %a is not %b.
func.func @main(%x: memref<4xf32>, %y: memref<4xf32>, %z: memref<4xf32>) {
  %a = memref.alloc() : memref<4xf32>
  nest.compute [i = 4] ins(%x["i"] : memref<4xf32>) outs(%a["i"] : memref<4xf32>) {
  ^bb0(%v: f32):
    %r = math.exp %v : f32
    nest.yield %r : f32
  }
  %b = memref.alloc() : memref<4xf32>
  nest.compute [i = 4] ins(%a["i"] : memref<4xf32>) outs(%b["i"] : memref<4xf32>) {
  ^bb0(%v: f32):
    nest.yield %v : f32
  }
  nest.compute [i = 2] ins(%x["i"] : memref<4xf32>) outs(%b["2*i"] : memref<4xf32>) {
  ^bb0(%v: f32):
    nest.yield %v : f32
  }
  nest.compute [i = 4] ins(%a["i"] : memref<4xf32>, %b["i"] : memref<4xf32>) outs(%z["i"] : memref<4xf32>) {
  ^bb0(%v: f32, %w: f32):
    %r = arith.addf %v, %w : f32
    nest.yield %r : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @main(%x: memref<4xf32>, %y: memref<4xf32>, %z: memref<4xf32>) {
// CHECK-NEXT:     %a = memref.alloc() : memref<4xf32>
// CHECK-NEXT:     nest.compute [i = 4] ins(%x["i"] : memref<4xf32>) outs(%a["i"] : memref<4xf32>) {
// CHECK-NEXT:     ^bb0(%v: f32):
// CHECK-NEXT:       %r = math.exp %v : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     %b = memref.alloc() : memref<4xf32>
// CHECK-NEXT:     nest.compute [i = 4] ins(%a["i"] : memref<4xf32>) outs(%b["i"] : memref<4xf32>) {
// CHECK-NEXT:     ^bb0(%v_1: f32):
// CHECK-NEXT:       nest.yield %v_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [i = 2] ins(%x["i"] : memref<4xf32>) outs(%b["2*i"] : memref<4xf32>) {
// CHECK-NEXT:     ^bb0(%v_2: f32):
// CHECK-NEXT:       nest.yield %v_2 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [i = 4] ins(%a["i"] : memref<4xf32>, %b["i"] : memref<4xf32>) outs(%z["i"] : memref<4xf32>) {
// CHECK-NEXT:     ^bb0(%v_3: f32, %w: f32):
// CHECK-NEXT:       %r_1 = arith.addf %v_3, %w : f32
// CHECK-NEXT:       nest.yield %r_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// %b is large, and would have to be there while %c is.
func.func @main(%x: memref<4xf32>, %y: memref<4xf32>, %z: memref<400xf32>) {
  %a = memref.alloc() : memref<4xf32>
  nest.compute [i = 4] ins(%x["i"] : memref<4xf32>) outs(%a["i"] : memref<4xf32>) {
  ^bb0(%v: f32):
    %r = math.exp %v : f32
    nest.yield %r : f32
  }
  %c = memref.alloc() : memref<400xf32>
  nest.compute [i = 400] ins(%a["0"] : memref<4xf32>) outs(%c["i"] : memref<400xf32>) {
  ^bb0(%v: f32):
    nest.yield %v : f32
  }
  nest.compute [i = 4] ins(%c["99*i"] : memref<400xf32>) outs(%y["i"] : memref<4xf32>) {
  ^bb0(%v: f32):
    nest.yield %v : f32
  }
  %b = memref.alloc() : memref<400xf32>
  nest.compute [i = 4] ins(%a["i"] : memref<4xf32>) outs(%b["i"] : memref<400xf32>) {
  ^bb0(%v: f32):
    nest.yield %v : f32
  }
  nest.compute [i = 396] ins(%x["0"] : memref<4xf32>) outs(%b["i + 4"] : memref<400xf32>) {
  ^bb0(%v: f32):
    nest.yield %v : f32
  }
  nest.compute [i = 400] ins(%b["i"] : memref<400xf32>) outs(%z["i"] : memref<400xf32>) {
  ^bb0(%v: f32):
    %r = math.exp %v : f32
    nest.yield %r : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @main(%x: memref<4xf32>, %y: memref<4xf32>, %z: memref<400xf32>) {
// CHECK-NEXT:     %a = memref.alloc() : memref<4xf32>
// CHECK-NEXT:     nest.compute [i = 4] ins(%x["i"] : memref<4xf32>) outs(%a["i"] : memref<4xf32>) {
// CHECK-NEXT:     ^bb0(%v: f32):
// CHECK-NEXT:       %r = math.exp %v : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     %c = memref.alloc() : memref<400xf32>
// CHECK-NEXT:     nest.compute [i = 400] ins(%a["0"] : memref<4xf32>) outs(%c["i"] : memref<400xf32>) {
// CHECK-NEXT:     ^bb0(%v_1: f32):
// CHECK-NEXT:       nest.yield %v_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [i = 4] ins(%c["99*i"] : memref<400xf32>) outs(%y["i"] : memref<4xf32>) {
// CHECK-NEXT:     ^bb0(%v_2: f32):
// CHECK-NEXT:       nest.yield %v_2 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     %b = memref.alloc() : memref<400xf32>
// CHECK-NEXT:     nest.compute [i = 4] ins(%a["i"] : memref<4xf32>) outs(%b["i"] : memref<400xf32>) {
// CHECK-NEXT:     ^bb0(%v_3: f32):
// CHECK-NEXT:       nest.yield %v_3 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [i = 396] ins(%x["0"] : memref<4xf32>) outs(%b["i + 4"] : memref<400xf32>) {
// CHECK-NEXT:     ^bb0(%v_4: f32):
// CHECK-NEXT:       nest.yield %v_4 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [i = 400] ins(%b["i"] : memref<400xf32>) outs(%z["i"] : memref<400xf32>) {
// CHECK-NEXT:     ^bb0(%v_5: f32):
// CHECK-NEXT:       %r_1 = math.exp %v_5 : f32
// CHECK-NEXT:       nest.yield %r_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
