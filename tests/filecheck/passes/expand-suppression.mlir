// RUN: penstock-opt %s -p expand-suppression --split-input-file | filecheck %s

// One batch of two classes: the loop runs as often as %most says, not more than there are boxes.
func.func @corners(%boxes: tensor<1x5x4xf32>, %scores: tensor<1x2x5xf32>, %most: tensor<i64>, %limit: tensor<f32>) -> tensor<1x2x5xi64> {
  %picks = graph.suppress %boxes, %scores, %most, %limit : tensor<1x5x4xf32>, tensor<1x2x5xf32>, tensor<i64>, tensor<f32> -> tensor<1x2x5xi64>
  func.return %picks : tensor<1x2x5xi64>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @corners(%boxes: tensor<1x5x4xf32>, %scores: tensor<1x2x5xf32>, %most: tensor<i64>, %limit: tensor<f32>) -> tensor<1x2x5xi64> {
// CHECK-NEXT:     %0 = graph.transpose %boxes {permutation = array<i64: 2, 0, 1>} : tensor<1x5x4xf32> -> tensor<4x1x5xf32>
// CHECK-NEXT:     %1 = graph.slice %0 {starts = array<i64: 0, 0, 0>, ends = array<i64: 2, 9223372036854775807, 9223372036854775807>, steps = array<i64: 1, 1, 1>} : tensor<4x1x5xf32> -> tensor<2x1x5xf32>
// CHECK-NEXT:     %2 = graph.reshape %1 {shape = [2 : i64, 1 : i64, 1 : i64, 5 : i64]} : tensor<2x1x5xf32> -> tensor<2x1x1x5xf32>
// CHECK-NEXT:     %3 = graph.slice %0 {starts = array<i64: 2, 0, 0>, ends = array<i64: 4, 9223372036854775807, 9223372036854775807>, steps = array<i64: 1, 1, 1>} : tensor<4x1x5xf32> -> tensor<2x1x5xf32>
// CHECK-NEXT:     %4 = graph.reshape %3 {shape = [2 : i64, 1 : i64, 1 : i64, 5 : i64]} : tensor<2x1x5xf32> -> tensor<2x1x1x5xf32>
// CHECK-NEXT:     %5 = graph.min %2, %4 : tensor<2x1x1x5xf32>, tensor<2x1x1x5xf32> -> tensor<2x1x1x5xf32>
// CHECK-NEXT:     %6 = graph.max %2, %4 : tensor<2x1x1x5xf32>, tensor<2x1x1x5xf32> -> tensor<2x1x1x5xf32>
// CHECK-NEXT:     %7 = graph.sub %6, %5 : tensor<2x1x1x5xf32>, tensor<2x1x1x5xf32> -> tensor<2x1x1x5xf32>
// CHECK-NEXT:     %8 = graph.reduce_prod %7 {axes = array<i64: 0>, keepdims = false} : tensor<2x1x1x5xf32> -> tensor<1x1x5xf32>
// CHECK-NEXT:     %9 = graph.constant {value = dense<-1> : tensor<i64>} -> tensor<i64>
// CHECK-NEXT:     %10 = graph.broadcast_to %9 {shape = [1 : i64, 2 : i64, 5 : i64]} : tensor<i64> -> tensor<1x2x5xi64>
// CHECK-NEXT:     %11, %picks = graph.loop limit(%most : tensor<i64>) states(%scores, %10 : tensor<1x2x5xf32>, tensor<1x2x5xi64>) captures(%5, %6, %8, %limit : tensor<2x1x1x5xf32>, tensor<2x1x1x5xf32>, tensor<1x1x5xf32>, tensor<f32>) {
// CHECK-NEXT:     ^bb0(%12: tensor<i64>, %13: tensor<1x2x5xf32>, %14: tensor<1x2x5xi64>, %15: tensor<2x1x1x5xf32>, %16: tensor<2x1x1x5xf32>, %17: tensor<1x1x5xf32>, %18: tensor<f32>):
// CHECK-NEXT:       %19 = graph.argmax %13 {axes = array<i64: 2>} : tensor<1x2x5xf32> -> tensor<1x2x1xi64>
// CHECK-NEXT:       %20 = graph.reduce_max %13 {axes = array<i64: 2>} : tensor<1x2x5xf32> -> tensor<1x2x1xf32>
// CHECK-NEXT:       %21 = graph.constant {value = #graph.resource<"constant", "714b50c911cfbb43">} -> tensor<f32>
// CHECK-NEXT:       %22 = graph.less %21, %20 : tensor<f32>, tensor<1x2x1xf32> -> tensor<1x2x1xi1>
// CHECK-NEXT:       %23 = graph.reshape %15 {shape = [2 : i64, 5 : i64]} : tensor<2x1x1x5xf32> -> tensor<2x5xf32>
// CHECK-NEXT:       %24 = graph.gather %23, %19 {axis = 1 : i64} : tensor<2x5xf32>, tensor<1x2x1xi64> -> tensor<2x1x2x1xf32>
// CHECK-NEXT:       %25 = graph.reshape %16 {shape = [2 : i64, 5 : i64]} : tensor<2x1x1x5xf32> -> tensor<2x5xf32>
// CHECK-NEXT:       %26 = graph.gather %25, %19 {axis = 1 : i64} : tensor<2x5xf32>, tensor<1x2x1xi64> -> tensor<2x1x2x1xf32>
// CHECK-NEXT:       %27 = graph.min %26, %16 : tensor<2x1x2x1xf32>, tensor<2x1x1x5xf32> -> tensor<2x1x2x5xf32>
// CHECK-NEXT:       %28 = graph.max %24, %15 : tensor<2x1x2x1xf32>, tensor<2x1x1x5xf32> -> tensor<2x1x2x5xf32>
// CHECK-NEXT:       %29 = graph.sub %27, %28 : tensor<2x1x2x5xf32>, tensor<2x1x2x5xf32> -> tensor<2x1x2x5xf32>
// CHECK-NEXT:       %30 = graph.constant {value = dense<0.000000e+00> : tensor<f32>} -> tensor<f32>
// CHECK-NEXT:       %31 = graph.max %29, %30 : tensor<2x1x2x5xf32>, tensor<f32> -> tensor<2x1x2x5xf32>
// CHECK-NEXT:       %32 = graph.reduce_prod %31 {axes = array<i64: 0>, keepdims = false} : tensor<2x1x2x5xf32> -> tensor<1x2x5xf32>
// CHECK-NEXT:       %33 = graph.sub %26, %24 : tensor<2x1x2x1xf32>, tensor<2x1x2x1xf32> -> tensor<2x1x2x1xf32>
// CHECK-NEXT:       %34 = graph.reduce_prod %33 {axes = array<i64: 0>, keepdims = false} : tensor<2x1x2x1xf32> -> tensor<1x2x1xf32>
// CHECK-NEXT:       %35 = graph.add %34, %17 : tensor<1x2x1xf32>, tensor<1x1x5xf32> -> tensor<1x2x5xf32>
// CHECK-NEXT:       %36 = graph.sub %35, %32 : tensor<1x2x5xf32>, tensor<1x2x5xf32> -> tensor<1x2x5xf32>
// CHECK-NEXT:       %37 = graph.div %32, %36 : tensor<1x2x5xf32>, tensor<1x2x5xf32> -> tensor<1x2x5xf32>
// CHECK-NEXT:       %38 = graph.less %18, %37 : tensor<f32>, tensor<1x2x5xf32> -> tensor<1x2x5xi1>
// CHECK-NEXT:       %39 = graph.constant {value = dense<[0, 1, 2, 3, 4]> : tensor<5xi64>} -> tensor<5xi64>
// CHECK-NEXT:       %40 = graph.equal %39, %19 : tensor<5xi64>, tensor<1x2x1xi64> -> tensor<1x2x5xi1>
// CHECK-NEXT:       %41 = graph.or %40, %38 : tensor<1x2x5xi1>, tensor<1x2x5xi1> -> tensor<1x2x5xi1>
// CHECK-NEXT:       %42 = graph.constant {value = #graph.resource<"constant", "714b50c911cfbb43">} -> tensor<f32>
// CHECK-NEXT:       %43 = graph.select %41, %42, %13 : tensor<1x2x5xi1>, tensor<f32>, tensor<1x2x5xf32> -> tensor<1x2x5xf32>
// CHECK-NEXT:       %44 = graph.reduce_max %43 {axes = array<i64: 0, 1, 2>, keepdims = false} : tensor<1x2x5xf32> -> tensor<f32>
// CHECK-NEXT:       %45 = graph.constant {value = #graph.resource<"constant", "714b50c911cfbb43">} -> tensor<f32>
// CHECK-NEXT:       %46 = graph.less %45, %44 : tensor<f32>, tensor<f32> -> tensor<i1>
// CHECK-NEXT:       %47 = graph.equal %39, %12 : tensor<5xi64>, tensor<i64> -> tensor<5xi1>
// CHECK-NEXT:       %48 = graph.and %47, %22 : tensor<5xi1>, tensor<1x2x1xi1> -> tensor<1x2x5xi1>
// CHECK-NEXT:       %49 = graph.select %48, %19, %14 : tensor<1x2x5xi1>, tensor<1x2x1xi64>, tensor<1x2x5xi64> -> tensor<1x2x5xi64>
// CHECK-NEXT:       graph.yield %46, %43, %49 : tensor<i1>, tensor<1x2x5xf32>, tensor<1x2x5xi64>
// CHECK-NEXT:     } -> tensor<1x2x5xf32>, tensor<1x2x5xi64> {steps = 5 : i64}
// CHECK-NEXT:     func.return %picks : tensor<1x2x5xi64>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----
// These boxes have a middle and a size; those of all batches lie in one list.
func.func @centered(%boxes: tensor<2x6x4xf32>, %scores: tensor<2x1x6xf32>, %most: tensor<i64>, %limit: tensor<f32>) -> tensor<2x1x6xi64> {
  %picks = graph.suppress %boxes, %scores, %most, %limit {is_centered = true} : tensor<2x6x4xf32>, tensor<2x1x6xf32>, tensor<i64>, tensor<f32> -> tensor<2x1x6xi64>
  func.return %picks : tensor<2x1x6xi64>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @centered(%boxes: tensor<2x6x4xf32>, %scores: tensor<2x1x6xf32>, %most: tensor<i64>, %limit: tensor<f32>) -> tensor<2x1x6xi64> {
// CHECK-NEXT:     %0 = graph.transpose %boxes {permutation = array<i64: 2, 0, 1>} : tensor<2x6x4xf32> -> tensor<4x2x6xf32>
// CHECK-NEXT:     %1 = graph.slice %0 {starts = array<i64: 0, 0, 0>, ends = array<i64: 2, 9223372036854775807, 9223372036854775807>, steps = array<i64: 1, 1, 1>} : tensor<4x2x6xf32> -> tensor<2x2x6xf32>
// CHECK-NEXT:     %2 = graph.reshape %1 {shape = [2 : i64, 2 : i64, 1 : i64, 6 : i64]} : tensor<2x2x6xf32> -> tensor<2x2x1x6xf32>
// CHECK-NEXT:     %3 = graph.slice %0 {starts = array<i64: 2, 0, 0>, ends = array<i64: 4, 9223372036854775807, 9223372036854775807>, steps = array<i64: 1, 1, 1>} : tensor<4x2x6xf32> -> tensor<2x2x6xf32>
// CHECK-NEXT:     %4 = graph.reshape %3 {shape = [2 : i64, 2 : i64, 1 : i64, 6 : i64]} : tensor<2x2x6xf32> -> tensor<2x2x1x6xf32>
// CHECK-NEXT:     %5 = graph.constant {value = dense<5.000000e-01> : tensor<f32>} -> tensor<f32>
// CHECK-NEXT:     %6 = graph.mul %4, %5 : tensor<2x2x1x6xf32>, tensor<f32> -> tensor<2x2x1x6xf32>
// CHECK-NEXT:     %7 = graph.sub %2, %6 : tensor<2x2x1x6xf32>, tensor<2x2x1x6xf32> -> tensor<2x2x1x6xf32>
// CHECK-NEXT:     %8 = graph.add %2, %6 : tensor<2x2x1x6xf32>, tensor<2x2x1x6xf32> -> tensor<2x2x1x6xf32>
// CHECK-NEXT:     %9 = graph.sub %8, %7 : tensor<2x2x1x6xf32>, tensor<2x2x1x6xf32> -> tensor<2x2x1x6xf32>
// CHECK-NEXT:     %10 = graph.reduce_prod %9 {axes = array<i64: 0>, keepdims = false} : tensor<2x2x1x6xf32> -> tensor<2x1x6xf32>
// CHECK-NEXT:     %11 = graph.constant {value = dense<-1> : tensor<i64>} -> tensor<i64>
// CHECK-NEXT:     %12 = graph.broadcast_to %11 {shape = [2 : i64, 1 : i64, 6 : i64]} : tensor<i64> -> tensor<2x1x6xi64>
// CHECK-NEXT:     %13, %picks = graph.loop limit(%most : tensor<i64>) states(%scores, %12 : tensor<2x1x6xf32>, tensor<2x1x6xi64>) captures(%7, %8, %10, %limit : tensor<2x2x1x6xf32>, tensor<2x2x1x6xf32>, tensor<2x1x6xf32>, tensor<f32>) {
// CHECK-NEXT:     ^bb0(%14: tensor<i64>, %15: tensor<2x1x6xf32>, %16: tensor<2x1x6xi64>, %17: tensor<2x2x1x6xf32>, %18: tensor<2x2x1x6xf32>, %19: tensor<2x1x6xf32>, %20: tensor<f32>):
// CHECK-NEXT:       %21 = graph.argmax %15 {axes = array<i64: 2>} : tensor<2x1x6xf32> -> tensor<2x1x1xi64>
// CHECK-NEXT:       %22 = graph.reduce_max %15 {axes = array<i64: 2>} : tensor<2x1x6xf32> -> tensor<2x1x1xf32>
// CHECK-NEXT:       %23 = graph.constant {value = #graph.resource<"constant", "714b50c911cfbb43">} -> tensor<f32>
// CHECK-NEXT:       %24 = graph.less %23, %22 : tensor<f32>, tensor<2x1x1xf32> -> tensor<2x1x1xi1>
// CHECK-NEXT:       %25 = graph.constant {value = dense<[0, 1]> : tensor<2xi64>} -> tensor<2xi64>
// CHECK-NEXT:       %26 = graph.constant {value = dense<6> : tensor<i64>} -> tensor<i64>
// CHECK-NEXT:       %27 = graph.mul %25, %26 : tensor<2xi64>, tensor<i64> -> tensor<2xi64>
// CHECK-NEXT:       %28 = graph.reshape %27 {shape = [2 : i64, 1 : i64, 1 : i64]} : tensor<2xi64> -> tensor<2x1x1xi64>
// CHECK-NEXT:       %29 = graph.add %21, %28 : tensor<2x1x1xi64>, tensor<2x1x1xi64> -> tensor<2x1x1xi64>
// CHECK-NEXT:       %30 = graph.reshape %17 {shape = [2 : i64, 12 : i64]} : tensor<2x2x1x6xf32> -> tensor<2x12xf32>
// CHECK-NEXT:       %31 = graph.gather %30, %29 {axis = 1 : i64} : tensor<2x12xf32>, tensor<2x1x1xi64> -> tensor<2x2x1x1xf32>
// CHECK-NEXT:       %32 = graph.reshape %18 {shape = [2 : i64, 12 : i64]} : tensor<2x2x1x6xf32> -> tensor<2x12xf32>
// CHECK-NEXT:       %33 = graph.gather %32, %29 {axis = 1 : i64} : tensor<2x12xf32>, tensor<2x1x1xi64> -> tensor<2x2x1x1xf32>
// CHECK-NEXT:       %34 = graph.min %33, %18 : tensor<2x2x1x1xf32>, tensor<2x2x1x6xf32> -> tensor<2x2x1x6xf32>
// CHECK-NEXT:       %35 = graph.max %31, %17 : tensor<2x2x1x1xf32>, tensor<2x2x1x6xf32> -> tensor<2x2x1x6xf32>
// CHECK-NEXT:       %36 = graph.sub %34, %35 : tensor<2x2x1x6xf32>, tensor<2x2x1x6xf32> -> tensor<2x2x1x6xf32>
// CHECK-NEXT:       %37 = graph.constant {value = dense<0.000000e+00> : tensor<f32>} -> tensor<f32>
// CHECK-NEXT:       %38 = graph.max %36, %37 : tensor<2x2x1x6xf32>, tensor<f32> -> tensor<2x2x1x6xf32>
// CHECK-NEXT:       %39 = graph.reduce_prod %38 {axes = array<i64: 0>, keepdims = false} : tensor<2x2x1x6xf32> -> tensor<2x1x6xf32>
// CHECK-NEXT:       %40 = graph.sub %33, %31 : tensor<2x2x1x1xf32>, tensor<2x2x1x1xf32> -> tensor<2x2x1x1xf32>
// CHECK-NEXT:       %41 = graph.reduce_prod %40 {axes = array<i64: 0>, keepdims = false} : tensor<2x2x1x1xf32> -> tensor<2x1x1xf32>
// CHECK-NEXT:       %42 = graph.add %41, %19 : tensor<2x1x1xf32>, tensor<2x1x6xf32> -> tensor<2x1x6xf32>
// CHECK-NEXT:       %43 = graph.sub %42, %39 : tensor<2x1x6xf32>, tensor<2x1x6xf32> -> tensor<2x1x6xf32>
// CHECK-NEXT:       %44 = graph.div %39, %43 : tensor<2x1x6xf32>, tensor<2x1x6xf32> -> tensor<2x1x6xf32>
// CHECK-NEXT:       %45 = graph.less %20, %44 : tensor<f32>, tensor<2x1x6xf32> -> tensor<2x1x6xi1>
// CHECK-NEXT:       %46 = graph.constant {value = dense<[0, 1, 2, 3, 4, 5]> : tensor<6xi64>} -> tensor<6xi64>
// CHECK-NEXT:       %47 = graph.equal %46, %21 : tensor<6xi64>, tensor<2x1x1xi64> -> tensor<2x1x6xi1>
// CHECK-NEXT:       %48 = graph.or %47, %45 : tensor<2x1x6xi1>, tensor<2x1x6xi1> -> tensor<2x1x6xi1>
// CHECK-NEXT:       %49 = graph.constant {value = #graph.resource<"constant", "714b50c911cfbb43">} -> tensor<f32>
// CHECK-NEXT:       %50 = graph.select %48, %49, %15 : tensor<2x1x6xi1>, tensor<f32>, tensor<2x1x6xf32> -> tensor<2x1x6xf32>
// CHECK-NEXT:       %51 = graph.reduce_max %50 {axes = array<i64: 0, 1, 2>, keepdims = false} : tensor<2x1x6xf32> -> tensor<f32>
// CHECK-NEXT:       %52 = graph.constant {value = #graph.resource<"constant", "714b50c911cfbb43">} -> tensor<f32>
// CHECK-NEXT:       %53 = graph.less %52, %51 : tensor<f32>, tensor<f32> -> tensor<i1>
// CHECK-NEXT:       %54 = graph.equal %46, %14 : tensor<6xi64>, tensor<i64> -> tensor<6xi1>
// CHECK-NEXT:       %55 = graph.and %54, %24 : tensor<6xi1>, tensor<2x1x1xi1> -> tensor<2x1x6xi1>
// CHECK-NEXT:       %56 = graph.select %55, %21, %16 : tensor<2x1x6xi1>, tensor<2x1x1xi64>, tensor<2x1x6xi64> -> tensor<2x1x6xi64>
// CHECK-NEXT:       graph.yield %53, %50, %56 : tensor<i1>, tensor<2x1x6xf32>, tensor<2x1x6xi64>
// CHECK-NEXT:     } -> tensor<2x1x6xf32>, tensor<2x1x6xi64> {steps = 6 : i64}
// CHECK-NEXT:     func.return %picks : tensor<2x1x6xi64>
// CHECK-NEXT:   }
// CHECK-NEXT: }
