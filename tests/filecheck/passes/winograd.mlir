// RUN: penstock-opt %s -p lower-graph-to-nest,drop-unit-loops,fuse-consumers,winograd{outputs=2} --split-input-file | filecheck %s

// Two tiles, the second of which is cut short: one nest for each of the two writes the output.
func.func @main(%x: tensor<1x2x3x4xf32>) -> tensor<1x2x3x5xf32> {
  %w = graph.constant {value = dense<0.5> : tensor<5x4x3x3xf32>} -> tensor<5x4x3x3xf32>
  %y = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "nhwc"} : tensor<1x2x3x4xf32>, tensor<5x4x3x3xf32> -> tensor<1x2x3x5xf32>
  func.return %y : tensor<1x2x3x5xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @main(%0: memref<1x2x3x4xf32>, %1: memref<1x2x3x5xf32>) {
// CHECK-NEXT:     %2 = memref.alloc() {alignment = 64 : i64, nodes = []} : memref<16x2x4xf32>
// CHECK-NEXT:     %3 = memref.alloc() {alignment = 64 : i64, nodes = []} : memref<16x2x5xf32>
// CHECK-NEXT:     %4 = nest.constant <"constant.winograd2", "d63baab67487f01d"> : memref<16x4x5xf32> {nodes = []}
// CHECK-NEXT:     nest.compute [o0 = 1, o1 = 2, ic = 4] ins(%0["0, 2*o0 - 1, 2*o1 - 1, ic"] else 0.000000e+00 : f32 : memref<1x2x3x4xf32>, %0["0, 2*o0 - 1, 2*o1, ic"] else 0.000000e+00 : f32 : memref<1x2x3x4xf32>, %0["0, 2*o0 - 1, 2*o1 + 1, ic"] else 0.000000e+00 : f32 : memref<1x2x3x4xf32>, %0["0, 2*o0 - 1, 2*o1 + 2, ic"] else 0.000000e+00 : f32 : memref<1x2x3x4xf32>, %0["0, 2*o0, 2*o1 - 1, ic"] else 0.000000e+00 : f32 : memref<1x2x3x4xf32>, %0["0, 2*o0, 2*o1, ic"] else 0.000000e+00 : f32 : memref<1x2x3x4xf32>, %0["0, 2*o0, 2*o1 + 1, ic"] else 0.000000e+00 : f32 : memref<1x2x3x4xf32>, %0["0, 2*o0, 2*o1 + 2, ic"] else 0.000000e+00 : f32 : memref<1x2x3x4xf32>, %0["0, 2*o0 + 1, 2*o1 - 1, ic"] else 0.000000e+00 : f32 : memref<1x2x3x4xf32>, %0["0, 2*o0 + 1, 2*o1, ic"] else 0.000000e+00 : f32 : memref<1x2x3x4xf32>, %0["0, 2*o0 + 1, 2*o1 + 1, ic"] else 0.000000e+00 : f32 : memref<1x2x3x4xf32>, %0["0, 2*o0 + 1, 2*o1 + 2, ic"] else 0.000000e+00 : f32 : memref<1x2x3x4xf32>, %0["0, 2*o0 + 2, 2*o1 - 1, ic"] else 0.000000e+00 : f32 : memref<1x2x3x4xf32>, %0["0, 2*o0 + 2, 2*o1, ic"] else 0.000000e+00 : f32 : memref<1x2x3x4xf32>, %0["0, 2*o0 + 2, 2*o1 + 1, ic"] else 0.000000e+00 : f32 : memref<1x2x3x4xf32>, %0["0, 2*o0 + 2, 2*o1 + 2, ic"] else 0.000000e+00 : f32 : memref<1x2x3x4xf32>) outs(%2["0, 2*o0 + o1, ic"] : memref<16x2x4xf32>, %2["1, 2*o0 + o1, ic"] : memref<16x2x4xf32>, %2["2, 2*o0 + o1, ic"] : memref<16x2x4xf32>, %2["3, 2*o0 + o1, ic"] : memref<16x2x4xf32>, %2["4, 2*o0 + o1, ic"] : memref<16x2x4xf32>, %2["5, 2*o0 + o1, ic"] : memref<16x2x4xf32>, %2["6, 2*o0 + o1, ic"] : memref<16x2x4xf32>, %2["7, 2*o0 + o1, ic"] : memref<16x2x4xf32>, %2["8, 2*o0 + o1, ic"] : memref<16x2x4xf32>, %2["9, 2*o0 + o1, ic"] : memref<16x2x4xf32>, %2["10, 2*o0 + o1, ic"] : memref<16x2x4xf32>, %2["11, 2*o0 + o1, ic"] : memref<16x2x4xf32>, %2["12, 2*o0 + o1, ic"] : memref<16x2x4xf32>, %2["13, 2*o0 + o1, ic"] : memref<16x2x4xf32>, %2["14, 2*o0 + o1, ic"] : memref<16x2x4xf32>, %2["15, 2*o0 + o1, ic"] : memref<16x2x4xf32>) attributes {nodes = []} {
// CHECK-NEXT:     ^bb0(%5: f32, %6: f32, %7: f32, %8: f32, %9: f32, %10: f32, %11: f32, %12: f32, %13: f32, %14: f32, %15: f32, %16: f32, %17: f32, %18: f32, %19: f32, %20: f32):
// CHECK-NEXT:       %21 = arith.addf %13, %9 : f32
// CHECK-NEXT:       %22 = arith.subf %13, %9 : f32
// CHECK-NEXT:       %23 = arith.subf %13, %5 : f32
// CHECK-NEXT:       %24 = arith.subf %17, %9 : f32
// CHECK-NEXT:       %25 = arith.addf %14, %10 : f32
// CHECK-NEXT:       %26 = arith.subf %14, %10 : f32
// CHECK-NEXT:       %27 = arith.subf %14, %6 : f32
// CHECK-NEXT:       %28 = arith.subf %18, %10 : f32
// CHECK-NEXT:       %29 = arith.addf %15, %11 : f32
// CHECK-NEXT:       %30 = arith.subf %15, %11 : f32
// CHECK-NEXT:       %31 = arith.subf %15, %7 : f32
// CHECK-NEXT:       %32 = arith.subf %19, %11 : f32
// CHECK-NEXT:       %33 = arith.addf %16, %12 : f32
// CHECK-NEXT:       %34 = arith.subf %16, %12 : f32
// CHECK-NEXT:       %35 = arith.subf %16, %8 : f32
// CHECK-NEXT:       %36 = arith.subf %20, %12 : f32
// CHECK-NEXT:       %37 = arith.addf %31, %27 : f32
// CHECK-NEXT:       %38 = arith.subf %31, %27 : f32
// CHECK-NEXT:       %39 = arith.subf %31, %23 : f32
// CHECK-NEXT:       %40 = arith.subf %35, %27 : f32
// CHECK-NEXT:       %41 = arith.addf %29, %25 : f32
// CHECK-NEXT:       %42 = arith.subf %29, %25 : f32
// CHECK-NEXT:       %43 = arith.subf %29, %21 : f32
// CHECK-NEXT:       %44 = arith.subf %33, %25 : f32
// CHECK-NEXT:       %45 = arith.addf %30, %26 : f32
// CHECK-NEXT:       %46 = arith.subf %30, %26 : f32
// CHECK-NEXT:       %47 = arith.subf %30, %22 : f32
// CHECK-NEXT:       %48 = arith.subf %34, %26 : f32
// CHECK-NEXT:       %49 = arith.addf %32, %28 : f32
// CHECK-NEXT:       %50 = arith.subf %32, %28 : f32
// CHECK-NEXT:       %51 = arith.subf %32, %24 : f32
// CHECK-NEXT:       %52 = arith.subf %36, %28 : f32
// CHECK-NEXT:       nest.yield %39, %37, %38, %40, %43, %41, %42, %44, %47, %45, %46, %48, %51, %49, %50, %52 : f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [p = 16, t = 2, oc = 5, ic = 4 reduce] ins(%2["p, t, ic"] : memref<16x2x4xf32>, %4["p, ic, oc"] : memref<16x4x5xf32>) outs(%3["p, t, oc"] : memref<16x2x5xf32>) init(0.000000e+00 : f32) attributes {nodes = []} {
// CHECK-NEXT:     ^bb0(%53: f32, %54: f32, %55: f32):
// CHECK-NEXT:       %56 = arith.mulf %53, %54 : f32
// CHECK-NEXT:       %57 = arith.addf %55, %56 : f32
// CHECK-NEXT:       nest.yield %57 : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%58: f32):
// CHECK-NEXT:       nest.yield %58 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [o0 = 1, o1 = 1, oc = 5] ins(%3["0, 2*o0 + o1, oc"] : memref<16x2x5xf32>, %3["1, 2*o0 + o1, oc"] : memref<16x2x5xf32>, %3["2, 2*o0 + o1, oc"] : memref<16x2x5xf32>, %3["3, 2*o0 + o1, oc"] : memref<16x2x5xf32>, %3["4, 2*o0 + o1, oc"] : memref<16x2x5xf32>, %3["5, 2*o0 + o1, oc"] : memref<16x2x5xf32>, %3["6, 2*o0 + o1, oc"] : memref<16x2x5xf32>, %3["7, 2*o0 + o1, oc"] : memref<16x2x5xf32>, %3["8, 2*o0 + o1, oc"] : memref<16x2x5xf32>, %3["9, 2*o0 + o1, oc"] : memref<16x2x5xf32>, %3["10, 2*o0 + o1, oc"] : memref<16x2x5xf32>, %3["11, 2*o0 + o1, oc"] : memref<16x2x5xf32>, %3["12, 2*o0 + o1, oc"] : memref<16x2x5xf32>, %3["13, 2*o0 + o1, oc"] : memref<16x2x5xf32>, %3["14, 2*o0 + o1, oc"] : memref<16x2x5xf32>, %3["15, 2*o0 + o1, oc"] : memref<16x2x5xf32>) outs(%1["0, 2*o0, 2*o1, oc"] : memref<1x2x3x5xf32>, %1["0, 2*o0, 2*o1 + 1, oc"] : memref<1x2x3x5xf32>, %1["0, 2*o0 + 1, 2*o1, oc"] : memref<1x2x3x5xf32>, %1["0, 2*o0 + 1, 2*o1 + 1, oc"] : memref<1x2x3x5xf32>) attributes {nodes = []} {
// CHECK-NEXT:     ^bb0(%59: f32, %60: f32, %61: f32, %62: f32, %63: f32, %64: f32, %65: f32, %66: f32, %67: f32, %68: f32, %69: f32, %70: f32, %71: f32, %72: f32, %73: f32, %74: f32):
// CHECK-NEXT:       %75 = arith.addf %63, %67 : f32
// CHECK-NEXT:       %76 = arith.subf %63, %67 : f32
// CHECK-NEXT:       %77 = arith.addf %59, %75 : f32
// CHECK-NEXT:       %78 = arith.addf %76, %71 : f32
// CHECK-NEXT:       %79 = arith.addf %64, %68 : f32
// CHECK-NEXT:       %80 = arith.subf %64, %68 : f32
// CHECK-NEXT:       %81 = arith.addf %60, %79 : f32
// CHECK-NEXT:       %82 = arith.addf %80, %72 : f32
// CHECK-NEXT:       %83 = arith.addf %65, %69 : f32
// CHECK-NEXT:       %84 = arith.subf %65, %69 : f32
// CHECK-NEXT:       %85 = arith.addf %61, %83 : f32
// CHECK-NEXT:       %86 = arith.addf %84, %73 : f32
// CHECK-NEXT:       %87 = arith.addf %66, %70 : f32
// CHECK-NEXT:       %88 = arith.subf %66, %70 : f32
// CHECK-NEXT:       %89 = arith.addf %62, %87 : f32
// CHECK-NEXT:       %90 = arith.addf %88, %74 : f32
// CHECK-NEXT:       %91 = arith.addf %81, %85 : f32
// CHECK-NEXT:       %92 = arith.subf %81, %85 : f32
// CHECK-NEXT:       %93 = arith.addf %77, %91 : f32
// CHECK-NEXT:       %94 = arith.addf %92, %89 : f32
// CHECK-NEXT:       %95 = arith.addf %82, %86 : f32
// CHECK-NEXT:       %96 = arith.subf %82, %86 : f32
// CHECK-NEXT:       %97 = arith.addf %78, %95 : f32
// CHECK-NEXT:       %98 = arith.addf %96, %90 : f32
// CHECK-NEXT:       nest.yield %93, %94, %97, %98 : f32, f32, f32, f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [o0 = 1, o1 = 1, oc = 5] ins(%3["0, 2*o0 + o1 + 1, oc"] : memref<16x2x5xf32>, %3["1, 2*o0 + o1 + 1, oc"] : memref<16x2x5xf32>, %3["2, 2*o0 + o1 + 1, oc"] : memref<16x2x5xf32>, %3["3, 2*o0 + o1 + 1, oc"] : memref<16x2x5xf32>, %3["4, 2*o0 + o1 + 1, oc"] : memref<16x2x5xf32>, %3["5, 2*o0 + o1 + 1, oc"] : memref<16x2x5xf32>, %3["6, 2*o0 + o1 + 1, oc"] : memref<16x2x5xf32>, %3["7, 2*o0 + o1 + 1, oc"] : memref<16x2x5xf32>, %3["8, 2*o0 + o1 + 1, oc"] : memref<16x2x5xf32>, %3["9, 2*o0 + o1 + 1, oc"] : memref<16x2x5xf32>, %3["10, 2*o0 + o1 + 1, oc"] : memref<16x2x5xf32>, %3["11, 2*o0 + o1 + 1, oc"] : memref<16x2x5xf32>, %3["12, 2*o0 + o1 + 1, oc"] : memref<16x2x5xf32>, %3["13, 2*o0 + o1 + 1, oc"] : memref<16x2x5xf32>, %3["14, 2*o0 + o1 + 1, oc"] : memref<16x2x5xf32>, %3["15, 2*o0 + o1 + 1, oc"] : memref<16x2x5xf32>) outs(%1["0, 2*o0, 2*o1 + 2, oc"] : memref<1x2x3x5xf32>, %1["0, 2*o0 + 1, 2*o1 + 2, oc"] : memref<1x2x3x5xf32>) attributes {nodes = []} {
// CHECK-NEXT:     ^bb0(%99: f32, %100: f32, %101: f32, %102: f32, %103: f32, %104: f32, %105: f32, %106: f32, %107: f32, %108: f32, %109: f32, %110: f32, %111: f32, %112: f32, %113: f32, %114: f32):
// CHECK-NEXT:       %115 = arith.addf %103, %107 : f32
// CHECK-NEXT:       %116 = arith.subf %103, %107 : f32
// CHECK-NEXT:       %117 = arith.addf %99, %115 : f32
// CHECK-NEXT:       %118 = arith.addf %116, %111 : f32
// CHECK-NEXT:       %119 = arith.addf %104, %108 : f32
// CHECK-NEXT:       %120 = arith.subf %104, %108 : f32
// CHECK-NEXT:       %121 = arith.addf %100, %119 : f32
// CHECK-NEXT:       %122 = arith.addf %120, %112 : f32
// CHECK-NEXT:       %123 = arith.addf %105, %109 : f32
// CHECK-NEXT:       %124 = arith.subf %105, %109 : f32
// CHECK-NEXT:       %125 = arith.addf %101, %123 : f32
// CHECK-NEXT:       %126 = arith.addf %124, %113 : f32
// CHECK-NEXT:       %127 = arith.addf %106, %110 : f32
// CHECK-NEXT:       %128 = arith.subf %106, %110 : f32
// CHECK-NEXT:       %129 = arith.addf %102, %127 : f32
// CHECK-NEXT:       %130 = arith.addf %128, %114 : f32
// CHECK-NEXT:       %131 = arith.addf %121, %125 : f32
// CHECK-NEXT:       %132 = arith.subf %121, %125 : f32
// CHECK-NEXT:       %133 = arith.addf %117, %131 : f32
// CHECK-NEXT:       %134 = arith.addf %132, %129 : f32
// CHECK-NEXT:       %135 = arith.addf %122, %126 : f32
// CHECK-NEXT:       %136 = arith.subf %122, %126 : f32
// CHECK-NEXT:       %137 = arith.addf %118, %135 : f32
// CHECK-NEXT:       %138 = arith.addf %136, %130 : f32
// CHECK-NEXT:       nest.yield %133, %137 : f32, f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// A stride of two is left alone.
func.func @main(%x: tensor<1x5x5x4xf32>) -> tensor<1x3x3x5xf32> {
  %w = graph.constant {value = dense<0.5> : tensor<5x4x3x3xf32>} -> tensor<5x4x3x3xf32>
  %y = graph.conv %x, %w {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "nhwc"} : tensor<1x5x5x4xf32>, tensor<5x4x3x3xf32> -> tensor<1x3x3x5xf32>
  func.return %y : tensor<1x3x3x5xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @main(%0: memref<1x5x5x4xf32>, %1: memref<1x3x3x5xf32>) {
// CHECK-NEXT:     %2 = nest.constant <"constant", "1ee41a95dea4b716"> : memref<5x4x3x3xf32>
// CHECK-NEXT:     nest.compute [o0 = 3, o1 = 3, oc = 5, k0 = 3 reduce, k1 = 3 reduce, ic = 4 reduce] ins(%0["0, 2*o0 + k0 - 1, 2*o1 + k1 - 1, ic"] else 0.000000e+00 : f32 : memref<1x5x5x4xf32>, %2["oc, ic, k0, k1"] : memref<5x4x3x3xf32>) outs(%1["0, o0, o1, oc"] : memref<1x3x3x5xf32>) init(0.000000e+00 : f32) attributes {nodes = []} {
// CHECK-NEXT:     ^bb0(%3: f32, %4: f32, %5: f32):
// CHECK-NEXT:       %6 = arith.mulf %3, %4 : f32
// CHECK-NEXT:       %7 = arith.addf %5, %6 : f32
// CHECK-NEXT:       nest.yield %7 : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%8: f32):
// CHECK-NEXT:       nest.yield %8 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
