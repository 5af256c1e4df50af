builtin.module attributes {graph.source = "<model>", graph.opset = 17 : i64, nest.hints = {b = 128 : i64, s = 1 : i64}, nest.machine = {vector_bytes = 32 : i64, registers = 16 : i64, arithmetic_ports = 2 : i64, load_ports = 2 : i64, latency = 4 : i64, l1 = 32768 : i64, l2 = 524288 : i64, fma = 1 : i64}} {
  func.func @main(%0: memref<?x?x5xf32, #nest.sizes<["s", "b", ""]>> {graph.name = "x"}, %1: memref<1x32x5xf32> {graph.name = "w"}, %2: memref<1x32x8xf32> {graph.name = "r"}, %3: memref<?x1x?x8xf32, #nest.sizes<["s", "", "b", ""]>> {graph.name = "y"}, %4: memref<1x?x8xf32, #nest.sizes<["", "b", ""]>> {graph.name = "h"}, %5: index {nest.symbol = "b"}, %6: index {nest.symbol = "s"}) {
    %7 = memref.collapse_shape %3 [[0 : i64, 1 : i64, 2 : i64, 3 : i64]] : memref<?x1x?x8xf32, #nest.sizes<["s", "", "b", ""]>> into memref<?xf32, #nest.sizes<["8*b*s"]>>
    %8 = nest.size <"s"> : index
    %9 = nest.size <"b"> : index
    %10 = memref.expand_shape %7 [[0 : i64, 1 : i64, 2 : i64]] output_shape [%8, %9, 8] : memref<?xf32, #nest.sizes<["8*b*s"]>> into memref<?x?x8xf32, #nest.sizes<["s", "b", ""]>>
    %11 = memref.collapse_shape %4 [[0 : i64, 1 : i64, 2 : i64]] : memref<1x?x8xf32, #nest.sizes<["", "b", ""]>> into memref<?xf32, #nest.sizes<["8*b"]>>
    %12 = nest.size <"b"> : index
    %13 = memref.expand_shape %11 [[0 : i64, 1 : i64]] output_shape [%12, 8] : memref<?xf32, #nest.sizes<["8*b"]>> into memref<?x8xf32, #nest.sizes<["b", ""]>>
    %14 = memref.collapse_shape %1 [[0 : i64, 1 : i64, 2 : i64]] {nodes = ["LSTM_0"]} : memref<1x32x5xf32> into memref<160xf32>
    %15 = memref.expand_shape %14 [[0 : i64, 1 : i64]] output_shape [32, 5] {nodes = ["LSTM_0"]} : memref<160xf32> into memref<32x5xf32>
    %16 = memref.collapse_shape %2 [[0 : i64, 1 : i64, 2 : i64]] {nodes = ["LSTM_0"]} : memref<1x32x8xf32> into memref<256xf32>
    %17 = memref.expand_shape %16 [[0 : i64, 1 : i64]] output_shape [32, 8] {nodes = ["LSTM_0"]} : memref<256xf32> into memref<32x8xf32>
    %18 = nest.constant <"LSTM_0", "ddd4d8a22c5b3fb6"> : memref<32xf32> {nodes = ["LSTM_0"]}
    %19 = nest.constant <"constant", "c1dd810bdd5c5972"> : memref<f32> {nodes = ["LSTM_0"]}
    %20 = nest.size <"b"> {nodes = ["LSTM_0"]} : index
    %21 = memref.alloc(%20) {alignment = 64 : i64, nodes = ["LSTM_0"]} : memref<?x8xf32, #nest.sizes<["b", ""]>>
    func.call @k0_LSTM_0(%19, %21, %5) {nodes = ["LSTM_0"]} : (memref<f32>, memref<?x8xf32, #nest.sizes<["b", ""]>>, index) -> ()
    %22 = memref.alloc() {alignment = 64 : i64, nodes = ["LSTM_0"]} : memref<5x32xf32>
    func.call @k1_LSTM_0(%15, %22) {nodes = ["LSTM_0"]} : (memref<32x5xf32>, memref<5x32xf32>) -> ()
    %23 = nest.size <"s"> {nodes = ["LSTM_0"]} : index
    %24 = nest.size <"b"> {nodes = ["LSTM_0"]} : index
    %25 = nest.size <"s"> {nodes = ["LSTM_0"]} : index
    %26 = nest.size <"b"> {nodes = ["LSTM_0"]} : index
    %27 = memref.alloc(%25, %26) {alignment = 64 : i64, nodes = ["LSTM_0"]} : memref<?x?x32xf32, #nest.sizes<["s", "b", ""]>>
    func.call @k2_LSTM_0(%0, %22, %18, %27, %5, %6) {nodes = ["LSTM_0"]} : (memref<?x?x5xf32, #nest.sizes<["s", "b", ""]>>, memref<5x32xf32>, memref<32xf32>, memref<?x?x32xf32, #nest.sizes<["s", "b", ""]>>, index, index) -> ()
    %28 = memref.alloc() {alignment = 64 : i64, nodes = ["LSTM_0"]} : memref<8x32xf32>
    func.call @k3_LSTM_0(%17, %28) {nodes = ["LSTM_0"]} : (memref<32x8xf32>, memref<8x32xf32>) -> ()
    %29 = nest.size <"b"> {nodes = ["LSTM_0"]} : index
    %30 = memref.alloc(%29) {alignment = 64 : i64, nodes = ["LSTM_0"]} : memref<?x8xf32, #nest.sizes<["b", ""]>>
    func.call @c0_LSTM_0(%21, %21, %27, %28, %13, %30, %10, %5, %6) {nodes = ["LSTM_0"]} : (memref<?x8xf32, #nest.sizes<["b", ""]>>, memref<?x8xf32, #nest.sizes<["b", ""]>>, memref<?x?x32xf32, #nest.sizes<["s", "b", ""]>>, memref<8x32xf32>, memref<?x8xf32, #nest.sizes<["b", ""]>>, memref<?x8xf32, #nest.sizes<["b", ""]>>, memref<?x?x8xf32, #nest.sizes<["s", "b", ""]>>, index, index) -> ()
    %31 = memref.collapse_shape %10 [[0 : i64, 1 : i64, 2 : i64]] {nodes = ["LSTM_0"]} : memref<?x?x8xf32, #nest.sizes<["s", "b", ""]>> into memref<?xf32, #nest.sizes<["8*b*s"]>>
    %32 = nest.size <"s"> {nodes = ["LSTM_0"]} : index
    %33 = nest.size <"b"> {nodes = ["LSTM_0"]} : index
    %34 = memref.expand_shape %31 [[0 : i64, 1 : i64, 2 : i64, 3 : i64]] output_shape [%32, 1, %33, 8] {nodes = ["LSTM_0"]} : memref<?xf32, #nest.sizes<["8*b*s"]>> into memref<?x1x?x8xf32, #nest.sizes<["s", "", "b", ""]>>
    %35 = memref.collapse_shape %13 [[0 : i64, 1 : i64]] {nodes = ["LSTM_0"]} : memref<?x8xf32, #nest.sizes<["b", ""]>> into memref<?xf32, #nest.sizes<["8*b"]>>
    %36 = nest.size <"b"> {nodes = ["LSTM_0"]} : index
    %37 = memref.expand_shape %35 [[0 : i64, 1 : i64, 2 : i64]] output_shape [1, %36, 8] {nodes = ["LSTM_0"]} : memref<?xf32, #nest.sizes<["8*b"]>> into memref<1x?x8xf32, #nest.sizes<["", "b", ""]>>
    func.return
  }
  func.func @c0_LSTM_0(%0: memref<?x8xf32, #nest.sizes<["b", ""]>>, %1: memref<?x8xf32, #nest.sizes<["b", ""]>>, %2: memref<?x?x32xf32, #nest.sizes<["s", "b", ""]>>, %3: memref<8x32xf32>, %4: memref<?x8xf32, #nest.sizes<["b", ""]>>, %5: memref<?x8xf32, #nest.sizes<["b", ""]>>, %6: memref<?x?x8xf32, #nest.sizes<["s", "b", ""]>>, %7: index {nest.symbol = "b"}, %8: index {nest.symbol = "s"}) attributes {nodes = ["LSTM_0"]} {
    %9 = nest.size <"b"> {nodes = ["LSTM_0"]} : index
    %10 = memref.alloc(%9) {alignment = 64 : i64, nodes = ["LSTM_0"]} : memref<?x8xf32, #nest.sizes<["b", ""]>>
    %11 = nest.size <"b"> {nodes = ["LSTM_0"]} : index
    %12 = memref.alloc(%11) {alignment = 64 : i64, nodes = ["LSTM_0"]} : memref<?x8xf32, #nest.sizes<["b", ""]>>
    %13 = nest.size <"b"> {nodes = ["LSTM_0"]} : index
    %14 = memref.alloc(%13) {alignment = 64 : i64, nodes = ["LSTM_0"]} : memref<?x8xf32, #nest.sizes<["b", ""]>>
    %15 = nest.size <"b"> {nodes = ["LSTM_0"]} : index
    %16 = memref.alloc(%15) {alignment = 64 : i64, nodes = ["LSTM_0"]} : memref<?x8xf32, #nest.sizes<["b", ""]>>
    %17 = memref.alloc() {alignment = 64 : i64, nodes = ["LSTM_0"]} : memref<i64>
    %18 = nest.size <"s - 1"> {nodes = ["LSTM_0"]} : index
    %19 = nest.size <"s - 1"> {nodes = ["LSTM_0"]} : index
    %20 = arith.constant 0 : index
    %21 = arith.constant 1 : index
    %22 = nest.size <"s"> {nodes = ["LSTM_0"]} : index
    %23, %24, %25, %26, %27, %28 = scf.for %29 = %20 to %22 step %21 iter_args(%30 = %0, %31 = %1, %32 = %10, %33 = %12, %34 = %14, %35 = %16) -> (memref<?x8xf32, #nest.sizes<["b", ""]>>, memref<?x8xf32, #nest.sizes<["b", ""]>>, memref<?x8xf32, #nest.sizes<["b", ""]>>, memref<?x8xf32, #nest.sizes<["b", ""]>>, memref<?x8xf32, #nest.sizes<["b", ""]>>, memref<?x8xf32, #nest.sizes<["b", ""]>>) {
      %36 = arith.index_cast %29 : index to i64
      memref.store %36, %17[] : memref<i64>
      %37 = arith.subi %18, %29 : index
      %38 = nest.row %2[%37] : memref<?x?x32xf32, #nest.sizes<["s", "b", ""]>> to memref<?x32xf32, #nest.sizes<["b", ""]>>
      %39 = arith.subi %19, %29 : index
      %40 = nest.row %6[%39] : memref<?x?x8xf32, #nest.sizes<["s", "b", ""]>> to memref<?x8xf32, #nest.sizes<["b", ""]>>
      func.call @c0_LSTM_0.body(%17, %30, %31, %38, %3, %32, %33, %40, %7) : (memref<i64>, memref<?x8xf32, #nest.sizes<["b", ""]>>, memref<?x8xf32, #nest.sizes<["b", ""]>>, memref<?x32xf32, #nest.sizes<["b", ""]>>, memref<8x32xf32>, memref<?x8xf32, #nest.sizes<["b", ""]>>, memref<?x8xf32, #nest.sizes<["b", ""]>>, memref<?x8xf32, #nest.sizes<["b", ""]>>, index) -> ()
      scf.yield %32, %33, %34, %35, %32, %33 : memref<?x8xf32, #nest.sizes<["b", ""]>>, memref<?x8xf32, #nest.sizes<["b", ""]>>, memref<?x8xf32, #nest.sizes<["b", ""]>>, memref<?x8xf32, #nest.sizes<["b", ""]>>, memref<?x8xf32, #nest.sizes<["b", ""]>>, memref<?x8xf32, #nest.sizes<["b", ""]>>
    } {nodes = ["LSTM_0"]}
    func.call @k4_LSTM_0(%23, %4, %7) {nodes = ["LSTM_0"]} : (memref<?x8xf32, #nest.sizes<["b", ""]>>, memref<?x8xf32, #nest.sizes<["b", ""]>>, index) -> ()
    func.call @k4_LSTM_0(%24, %5, %7) {nodes = ["LSTM_0"]} : (memref<?x8xf32, #nest.sizes<["b", ""]>>, memref<?x8xf32, #nest.sizes<["b", ""]>>, index) -> ()
    func.return
  }
  func.func @c0_LSTM_0.body(%0: memref<i64>, %1: memref<?x8xf32, #nest.sizes<["b", ""]>>, %2: memref<?x8xf32, #nest.sizes<["b", ""]>>, %3: memref<?x32xf32, #nest.sizes<["b", ""]>>, %4: memref<8x32xf32>, %5: memref<?x8xf32, #nest.sizes<["b", ""]>>, %6: memref<?x8xf32, #nest.sizes<["b", ""]>>, %7: memref<?x8xf32, #nest.sizes<["b", ""]>>, %8: index {nest.symbol = "b"}) attributes {nodes = ["LSTM_0"]} {
    %9 = nest.constant <"LSTM_0", "ddd4d8a22c5b3fb6"> : memref<32xf32> {nodes = ["LSTM_0"]}
    %10 = nest.size <"b"> {nodes = ["LSTM_0"]} : index
    %11 = nest.size <"b"> {nodes = ["LSTM_0"]} : index
    %12 = nest.size <"b"> {nodes = ["LSTM_0"]} : index
    %13 = memref.alloc(%12) {alignment = 64 : i64, nodes = ["LSTM_0"]} : memref<?x32xf32, #nest.sizes<["b", ""]>>
    func.call @k5_LSTM_0(%1, %4, %3, %9, %13, %8) {nodes = ["LSTM_0"]} : (memref<?x8xf32, #nest.sizes<["b", ""]>>, memref<8x32xf32>, memref<?x32xf32, #nest.sizes<["b", ""]>>, memref<32xf32>, memref<?x32xf32, #nest.sizes<["b", ""]>>, index) -> ()
    %14 = nest.size <"b"> {nodes = ["LSTM_0"]} : index
    %15 = nest.size <"b"> {nodes = ["LSTM_0"]} : index
    %16 = nest.size <"b"> {nodes = ["LSTM_0"]} : index
    %17 = nest.size <"b"> {nodes = ["LSTM_0"]} : index
    %18 = nest.size <"b"> {nodes = ["LSTM_0"]} : index
    %19 = nest.size <"b"> {nodes = ["LSTM_0"]} : index
    %20 = nest.size <"b"> {nodes = ["LSTM_0"]} : index
    %21 = nest.size <"b"> {nodes = ["LSTM_0"]} : index
    %22 = nest.size <"b"> {nodes = ["LSTM_0"]} : index
    func.call @k6_LSTM_0(%13, %2, %6, %8) {nodes = ["LSTM_0"]} : (memref<?x32xf32, #nest.sizes<["b", ""]>>, memref<?x8xf32, #nest.sizes<["b", ""]>>, memref<?x8xf32, #nest.sizes<["b", ""]>>, index) -> ()
    %23 = nest.size <"b"> {nodes = ["LSTM_0"]} : index
    %24 = nest.size <"b"> {nodes = ["LSTM_0"]} : index
    func.call @k7_LSTM_0(%6, %13, %5, %8) {nodes = ["LSTM_0"]} : (memref<?x8xf32, #nest.sizes<["b", ""]>>, memref<?x32xf32, #nest.sizes<["b", ""]>>, memref<?x8xf32, #nest.sizes<["b", ""]>>, index) -> ()
    func.call @k4_LSTM_0(%5, %7, %8) : (memref<?x8xf32, #nest.sizes<["b", ""]>>, memref<?x8xf32, #nest.sizes<["b", ""]>>, index) -> ()
    func.return
  }
  func.func @k0_LSTM_0(%0: memref<f32> {llvm.noalias, nest.constant}, %1: memref<?x8xf32, #nest.sizes<["b", ""]>> {llvm.noalias, nest.result}, %2: index {nest.symbol = "b"}) attributes {nest.kernel, nodes = ["LSTM_0"]} {
    %3 = memref.collapse_shape %1 [[0 : i64, 1 : i64]] : memref<?x8xf32, #nest.sizes<["b", ""]>> into memref<?xf32, #nest.sizes<["8*b"]>>
    nest.compute [d0 = "b//8", d0.r = 64 vector 8] ins(%0[""] : memref<f32>) outs(%3["64*d0 + d0.r"] : memref<?xf32, #nest.sizes<["8*b"]>>) attributes {schedule = {order = ["d0"], tiles = {d0 = 64 : i64}, unroll = [], vector = "d0", lanes = 8 : i64}} {
    ^bb0(%4: f32):
      nest.yield %4 : f32
    }
    nest.compute [d0 = "b - 8*(b//8)", d0.r = 8 vector 8] ins(%0[""] : memref<f32>) outs(%3["8*d0 + d0.r + {64*(b//8)}"] : memref<?xf32, #nest.sizes<["8*b"]>>) attributes {schedule = {order = ["d0"], tiles = {d0 = 64 : i64}, unroll = [], vector = "d0", lanes = 8 : i64}} {
    ^bb0(%5: f32):
      nest.yield %5 : f32
    }
    func.return
  }
  func.func @k1_LSTM_0(%0: memref<32x5xf32> {llvm.noalias}, %1: memref<5x32xf32> {llvm.noalias, nest.result}) attributes {nest.kernel, nodes = ["LSTM_0"]} {
    nest.compute [d0 = 5, d1 = 32] ins(%0["d1, d0"] : memref<32x5xf32>) outs(%1["d0, d1"] : memref<5x32xf32>) attributes {schedule = {order = ["d0", "d1"], tiles = {}, unroll = [], vector = "", lanes = 1 : i64}} {
    ^bb0(%2: f32):
      nest.yield %2 : f32
    }
    func.return
  }
  func.func @k2_LSTM_0(%0: memref<?x?x5xf32, #nest.sizes<["s", "b", ""]>> {llvm.noalias}, %1: memref<5x32xf32> {llvm.noalias}, %2: memref<32xf32> {llvm.noalias, nest.constant}, %3: memref<?x?x32xf32, #nest.sizes<["s", "b", ""]>> {llvm.noalias, nest.result}, %4: index {nest.symbol = "b"}, %5: index {nest.symbol = "s"}) attributes {nest.kernel, nodes = ["LSTM_0"]} {
    %6 = memref.collapse_shape %0 [[0 : i64, 1 : i64], [2 : i64]] : memref<?x?x5xf32, #nest.sizes<["s", "b", ""]>> into memref<?x5xf32, #nest.sizes<["b*s", ""]>>
    %7 = memref.collapse_shape %3 [[0 : i64, 1 : i64], [2 : i64]] : memref<?x?x32xf32, #nest.sizes<["s", "b", ""]>> into memref<?x32xf32, #nest.sizes<["b*s", ""]>>
    nest.compute [b0 = "(b*s)//8", n = 4, k = 5 reduce unroll, b0.r = 8 unroll, n.r = 8 vector 8] ins(%6["8*b0 + b0.r, k"] : memref<?x5xf32, #nest.sizes<["b*s", ""]>>, %1["k, 8*n + n.r"] : memref<5x32xf32>) with(%2["8*n + n.r"] : memref<32xf32>) outs(%7["8*b0 + b0.r, 8*n + n.r"] : memref<?x32xf32, #nest.sizes<["b*s", ""]>>) init(0.000000e+00 : f32) attributes {schedule = {order = ["b0", "n", "k"], tiles = {b0 = 8 : i64, n = 8 : i64}, unroll = ["k"], vector = "n", lanes = 8 : i64}} {
    ^bb0(%8: f32, %9: f32, %10: f32):
      %11 = math.fma %8, %9, %10 : f32
      nest.yield %11 : f32
    } {
    ^bb0(%12: f32, %13: f32):
      %14 = arith.addf %12, %13 : f32
      nest.yield %14 : f32
    }
    nest.compute [b0 = "(b*s)//2 - 4*((b*s)//8)", n = 4, k = 5 reduce unroll, b0.r = 2 unroll, n.r = 8 vector 8] ins(%6["2*b0 + b0.r + {8*((b*s)//8)}, k"] : memref<?x5xf32, #nest.sizes<["b*s", ""]>>, %1["k, 8*n + n.r"] : memref<5x32xf32>) with(%2["8*n + n.r"] : memref<32xf32>) outs(%7["2*b0 + b0.r + {8*((b*s)//8)}, 8*n + n.r"] : memref<?x32xf32, #nest.sizes<["b*s", ""]>>) init(0.000000e+00 : f32) attributes {schedule = {order = ["b0", "n", "k"], tiles = {b0 = 8 : i64, n = 8 : i64}, unroll = ["k"], vector = "n", lanes = 8 : i64}} {
    ^bb0(%15: f32, %16: f32, %17: f32):
      %18 = math.fma %15, %16, %17 : f32
      nest.yield %18 : f32
    } {
    ^bb0(%19: f32, %20: f32):
      %21 = arith.addf %19, %20 : f32
      nest.yield %21 : f32
    }
    nest.compute [b0 = "-2*((b*s)//2) + b*s", n = 4, k = 5 reduce unroll, b0.r = 1 unroll, n.r = 8 vector 8] ins(%6["b0 + b0.r + {2*((b*s)//2)}, k"] : memref<?x5xf32, #nest.sizes<["b*s", ""]>>, %1["k, 8*n + n.r"] : memref<5x32xf32>) with(%2["8*n + n.r"] : memref<32xf32>) outs(%7["b0 + b0.r + {2*((b*s)//2)}, 8*n + n.r"] : memref<?x32xf32, #nest.sizes<["b*s", ""]>>) init(0.000000e+00 : f32) attributes {schedule = {order = ["b0", "n", "k"], tiles = {b0 = 8 : i64, n = 8 : i64}, unroll = ["k"], vector = "n", lanes = 8 : i64}} {
    ^bb0(%22: f32, %23: f32, %24: f32):
      %25 = math.fma %22, %23, %24 : f32
      nest.yield %25 : f32
    } {
    ^bb0(%26: f32, %27: f32):
      %28 = arith.addf %26, %27 : f32
      nest.yield %28 : f32
    }
    func.return
  }
  func.func @k3_LSTM_0(%0: memref<32x8xf32> {llvm.noalias}, %1: memref<8x32xf32> {llvm.noalias, nest.result}) attributes {nest.kernel, nodes = ["LSTM_0"]} {
    nest.compute [d0 = 8, d1 = 32] ins(%0["d1, d0"] : memref<32x8xf32>) outs(%1["d0, d1"] : memref<8x32xf32>) attributes {schedule = {order = ["d0", "d1"], tiles = {}, unroll = [], vector = "", lanes = 1 : i64}} {
    ^bb0(%2: f32):
      nest.yield %2 : f32
    }
    func.return
  }
  func.func @k4_LSTM_0(%0: memref<?x8xf32, #nest.sizes<["b", ""]>> {llvm.noalias}, %1: memref<?x8xf32, #nest.sizes<["b", ""]>> {llvm.noalias, nest.result}, %2: index {nest.symbol = "b"}) attributes {nest.kernel, nodes = ["LSTM_0"]} {
    %3 = memref.collapse_shape %0 [[0 : i64, 1 : i64]] : memref<?x8xf32, #nest.sizes<["b", ""]>> into memref<?xf32, #nest.sizes<["8*b"]>>
    %4 = memref.collapse_shape %1 [[0 : i64, 1 : i64]] : memref<?x8xf32, #nest.sizes<["b", ""]>> into memref<?xf32, #nest.sizes<["8*b"]>>
    nest.compute [d0 = "b//8", d0.r = 64 vector 8] ins(%3["64*d0 + d0.r"] : memref<?xf32, #nest.sizes<["8*b"]>>) outs(%4["64*d0 + d0.r"] : memref<?xf32, #nest.sizes<["8*b"]>>) attributes {schedule = {order = ["d0"], tiles = {d0 = 64 : i64}, unroll = [], vector = "d0", lanes = 8 : i64}} {
    ^bb0(%5: f32):
      nest.yield %5 : f32
    }
    nest.compute [d0 = "b - 8*(b//8)", d0.r = 8 vector 8] ins(%3["8*d0 + d0.r + {64*(b//8)}"] : memref<?xf32, #nest.sizes<["8*b"]>>) outs(%4["8*d0 + d0.r + {64*(b//8)}"] : memref<?xf32, #nest.sizes<["8*b"]>>) attributes {schedule = {order = ["d0"], tiles = {d0 = 64 : i64}, unroll = [], vector = "d0", lanes = 8 : i64}} {
    ^bb0(%6: f32):
      nest.yield %6 : f32
    }
    func.return
  }
  func.func @k5_LSTM_0(%0: memref<?x8xf32, #nest.sizes<["b", ""]>> {llvm.noalias}, %1: memref<8x32xf32> {llvm.noalias}, %2: memref<?x32xf32, #nest.sizes<["b", ""]>> {llvm.noalias}, %3: memref<32xf32> {llvm.noalias, nest.constant}, %4: memref<?x32xf32, #nest.sizes<["b", ""]>> {llvm.noalias, nest.result}, %5: index {nest.symbol = "b"}) attributes {nest.kernel, nodes = ["LSTM_0"]} {
    nest.compute [m = "b//8", n = 4, k = 8 reduce unroll, m.r = 8 unroll, n.r = 8 vector 8] ins(%0["8*m + m.r, k"] : memref<?x8xf32, #nest.sizes<["b", ""]>>, %1["k, 8*n + n.r"] : memref<8x32xf32>) with(%2["8*m + m.r, 8*n + n.r"] : memref<?x32xf32, #nest.sizes<["b", ""]>>, %3["8*n + n.r"] : memref<32xf32>) outs(%4["8*m + m.r, 8*n + n.r"] : memref<?x32xf32, #nest.sizes<["b", ""]>>) init(0.000000e+00 : f32) attributes {schedule = {order = ["m", "n", "k"], tiles = {m = 8 : i64, n = 8 : i64}, unroll = ["k"], vector = "n", lanes = 8 : i64}} {
    ^bb0(%6: f32, %7: f32, %8: f32):
      %9 = math.fma %6, %7, %8 : f32
      nest.yield %9 : f32
    } {
    ^bb0(%10: f32, %11: f32, %12: f32):
      %13 = arith.addf %11, %10 : f32
      %14 = arith.addf %13, %12 : f32
      nest.yield %14 : f32
    }
    nest.compute [m = "b//2 - 4*(b//8)", n = 4, k = 8 reduce unroll, m.r = 2 unroll, n.r = 8 vector 8] ins(%0["2*m + m.r + {8*(b//8)}, k"] : memref<?x8xf32, #nest.sizes<["b", ""]>>, %1["k, 8*n + n.r"] : memref<8x32xf32>) with(%2["2*m + m.r + {8*(b//8)}, 8*n + n.r"] : memref<?x32xf32, #nest.sizes<["b", ""]>>, %3["8*n + n.r"] : memref<32xf32>) outs(%4["2*m + m.r + {8*(b//8)}, 8*n + n.r"] : memref<?x32xf32, #nest.sizes<["b", ""]>>) init(0.000000e+00 : f32) attributes {schedule = {order = ["m", "n", "k"], tiles = {m = 8 : i64, n = 8 : i64}, unroll = ["k"], vector = "n", lanes = 8 : i64}} {
    ^bb0(%15: f32, %16: f32, %17: f32):
      %18 = math.fma %15, %16, %17 : f32
      nest.yield %18 : f32
    } {
    ^bb0(%19: f32, %20: f32, %21: f32):
      %22 = arith.addf %20, %19 : f32
      %23 = arith.addf %22, %21 : f32
      nest.yield %23 : f32
    }
    nest.compute [m = "b - 2*(b//2)", n = 4, k = 8 reduce unroll, m.r = 1 unroll, n.r = 8 vector 8] ins(%0["m + m.r + {2*(b//2)}, k"] : memref<?x8xf32, #nest.sizes<["b", ""]>>, %1["k, 8*n + n.r"] : memref<8x32xf32>) with(%2["m + m.r + {2*(b//2)}, 8*n + n.r"] : memref<?x32xf32, #nest.sizes<["b", ""]>>, %3["8*n + n.r"] : memref<32xf32>) outs(%4["m + m.r + {2*(b//2)}, 8*n + n.r"] : memref<?x32xf32, #nest.sizes<["b", ""]>>) init(0.000000e+00 : f32) attributes {schedule = {order = ["m", "n", "k"], tiles = {m = 8 : i64, n = 8 : i64}, unroll = ["k"], vector = "n", lanes = 8 : i64}} {
    ^bb0(%24: f32, %25: f32, %26: f32):
      %27 = math.fma %24, %25, %26 : f32
      nest.yield %27 : f32
    } {
    ^bb0(%28: f32, %29: f32, %30: f32):
      %31 = arith.addf %29, %28 : f32
      %32 = arith.addf %31, %30 : f32
      nest.yield %32 : f32
    }
    func.return
  }
  func.func @k6_LSTM_0(%0: memref<?x32xf32, #nest.sizes<["b", ""]>> {llvm.noalias}, %1: memref<?x8xf32, #nest.sizes<["b", ""]>> {llvm.noalias}, %2: memref<?x8xf32, #nest.sizes<["b", ""]>> {llvm.noalias, nest.result}, %3: index {nest.symbol = "b"}) attributes {nest.kernel, nodes = ["LSTM_0"]} {
    nest.compute [d0 = "b", d1 = 1, d1.r = 8 vector 8] ins(%0["d0, 8*d1 + d1.r + 24"] : memref<?x32xf32, #nest.sizes<["b", ""]>>, %0["d0, 8*d1 + d1.r"] : memref<?x32xf32, #nest.sizes<["b", ""]>>, %0["d0, 8*d1 + d1.r + 16"] : memref<?x32xf32, #nest.sizes<["b", ""]>>, %1["d0, 8*d1 + d1.r"] : memref<?x8xf32, #nest.sizes<["b", ""]>>) outs(%2["d0, 8*d1 + d1.r"] : memref<?x8xf32, #nest.sizes<["b", ""]>>) attributes {schedule = {order = ["d0", "d1"], tiles = {d1 = 8 : i64}, unroll = [], vector = "d1", lanes = 8 : i64}} {
    ^bb0(%4: f32, %5: f32, %6: f32, %7: f32):
      %8 = math.tanh %4 : f32
      %9 = arith.constant 1.000000e+00 : f32
      %10 = arith.negf %5 : f32
      %11 = math.exp %10 : f32
      %12 = arith.constant 1.000000e+00 : f32
      %13 = arith.addf %11, %12 : f32
      %14 = arith.divf %9, %13 : f32
      %15 = arith.constant 1.000000e+00 : f32
      %16 = arith.negf %6 : f32
      %17 = math.exp %16 : f32
      %18 = arith.constant 1.000000e+00 : f32
      %19 = arith.addf %17, %18 : f32
      %20 = arith.divf %15, %19 : f32
      %21 = arith.mulf %20, %7 : f32
      %22 = math.fma %14, %8, %21 : f32
      nest.yield %22 : f32
    }
    func.return
  }
  func.func @k7_LSTM_0(%0: memref<?x8xf32, #nest.sizes<["b", ""]>> {llvm.noalias}, %1: memref<?x32xf32, #nest.sizes<["b", ""]>> {llvm.noalias}, %2: memref<?x8xf32, #nest.sizes<["b", ""]>> {llvm.noalias, nest.result}, %3: index {nest.symbol = "b"}) attributes {nest.kernel, nodes = ["LSTM_0"]} {
    nest.compute [d0 = "b", d1 = 1, d1.r = 8 vector 8] ins(%0["d0, 8*d1 + d1.r"] : memref<?x8xf32, #nest.sizes<["b", ""]>>, %1["d0, 8*d1 + d1.r + 8"] : memref<?x32xf32, #nest.sizes<["b", ""]>>) outs(%2["d0, 8*d1 + d1.r"] : memref<?x8xf32, #nest.sizes<["b", ""]>>) attributes {schedule = {order = ["d0", "d1"], tiles = {d1 = 8 : i64}, unroll = [], vector = "d1", lanes = 8 : i64}} {
    ^bb0(%4: f32, %5: f32):
      %6 = math.tanh %4 : f32
      %7 = arith.constant 1.000000e+00 : f32
      %8 = arith.negf %5 : f32
      %9 = math.exp %8 : f32
      %10 = arith.constant 1.000000e+00 : f32
      %11 = arith.addf %9, %10 : f32
      %12 = arith.divf %7, %11 : f32
      %13 = arith.mulf %12, %6 : f32
      nest.yield %13 : f32
    }
    func.return
  }
}
