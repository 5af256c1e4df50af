// RUN: penstock-opt %s -p plan-memory | filecheck %s

func.func @main(%in: memref<16xf32>, %out: memref<16xf32>) {
  %a = memref.alloc() {alignment = 64 : i64} : memref<16xf32>
  %b = memref.alloc() : memref<4x4xf32>
  %c = memref.alloc() : memref<16xf32>
  %unused = memref.alloc() : memref<1600xf32>
  func.call @k(%in, %a) : (memref<16xf32>, memref<16xf32>) -> ()
  %flat = memref.collapse_shape %b [[0, 1]] : memref<4x4xf32> into memref<16xf32>
  func.call @k(%a, %flat) : (memref<16xf32>, memref<16xf32>) -> ()
  func.call @k(%flat, %c) : (memref<16xf32>, memref<16xf32>) -> ()
  func.call @k(%c, %out) : (memref<16xf32>, memref<16xf32>) -> ()
  func.return
}
func.func private @k(memref<16xf32>, memref<16xf32>) -> ()

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @main(%in: memref<16xf32>, %out: memref<16xf32>, %arena: memref<128xi8>) attributes {penstock.memory_plan = {arena = 128 : i64, argument = 2 : i64, bound = 128 : i64, values = [{name = "a", steps = array<i64: 0, 1>, place = array<i64: 0, 64>}, {name = "b", steps = array<i64: 1, 2>, place = array<i64: 64, 64>}, {name = "c", steps = array<i64: 2, 3>, place = array<i64: 0, 64>}]}} {
// CHECK-NEXT:     %c0 = arith.constant 0 : index
// CHECK-NEXT:     %a = memref.view %arena[%c0][] : memref<128xi8> to memref<16xf32>
// CHECK-NEXT:     %c64 = arith.constant 64 : index
// CHECK-NEXT:     %b = memref.view %arena[%c64][] : memref<128xi8> to memref<4x4xf32>
// CHECK-NEXT:     %c0_1 = arith.constant 0 : index
// CHECK-NEXT:     %c = memref.view %arena[%c0_1][] : memref<128xi8> to memref<16xf32>
// CHECK-NEXT:     func.call @k(%in, %a) : (memref<16xf32>, memref<16xf32>) -> ()
// CHECK-NEXT{LITERAL}:     %flat = memref.collapse_shape %b [[0 : i64, 1 : i64]] : memref<4x4xf32> into memref<16xf32>
// CHECK-NEXT:     func.call @k(%a, %flat) : (memref<16xf32>, memref<16xf32>) -> ()
// CHECK-NEXT:     func.call @k(%flat, %c) : (memref<16xf32>, memref<16xf32>) -> ()
// CHECK-NEXT:     func.call @k(%c, %out) : (memref<16xf32>, memref<16xf32>) -> ()
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func private @k(memref<16xf32>, memref<16xf32>) -> ()
// CHECK-NEXT: }
