// RUN: penstock-opt %s -p plan-memory | filecheck %s

// What a loop uses lives through all of it; the function that it calls gets memory from its caller.
func.func @main(%x: memref<16xf32>, %y: memref<16xf32>, %n: index) {
  %a = memref.alloc() : memref<16xf32>
  %b = memref.alloc() : memref<16xf32>
  %c = memref.alloc() : memref<16xf32>
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  func.call @copy(%x, %a) : (memref<16xf32>, memref<16xf32>) -> ()
  %last, %other = scf.for %i = %zero to %n step %one iter_args(%now = %a, %next = %b) -> (memref<16xf32>, memref<16xf32>) {
    func.call @body(%now, %next) : (memref<16xf32>, memref<16xf32>) -> ()
    scf.yield %next, %now : memref<16xf32>, memref<16xf32>
  }
  func.call @copy(%last, %c) : (memref<16xf32>, memref<16xf32>) -> ()
  func.call @copy(%c, %y) : (memref<16xf32>, memref<16xf32>) -> ()
  func.return
}
func.func @body(%x: memref<16xf32>, %y: memref<16xf32>) {
  %t = memref.alloc() : memref<32xf32>
  func.call @use(%x, %t, %y) : (memref<16xf32>, memref<32xf32>, memref<16xf32>) -> ()
  func.return
}
func.func private @copy(memref<16xf32>, memref<16xf32>) -> ()
func.func private @use(memref<16xf32>, memref<32xf32>, memref<16xf32>) -> ()

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @main(%x: memref<16xf32>, %y: memref<16xf32>, %n: index, %arena: memref<256xi8>) attributes {penstock.memory_plan = {arena = 256 : i64, argument = 3 : i64, bound = 256 : i64, values = [{name = "a", steps = array<i64: 0, 2>, place = array<i64: 128, 64>}, {name = "b", steps = array<i64: 1, 2>, place = array<i64: 192, 64>}, {name = "c", steps = array<i64: 2, 3>, place = array<i64: 0, 64>}, {name = "value3", steps = array<i64: 1, 1>, place = array<i64: 0, 128>}]}} {
// CHECK-NEXT:     %c128 = arith.constant 128 : index
// CHECK-NEXT:     %a = memref.view %arena[%c128][] : memref<256xi8> to memref<16xf32>
// CHECK-NEXT:     %c192 = arith.constant 192 : index
// CHECK-NEXT:     %b = memref.view %arena[%c192][] : memref<256xi8> to memref<16xf32>
// CHECK-NEXT:     %c0 = arith.constant 0 : index
// CHECK-NEXT:     %c = memref.view %arena[%c0][] : memref<256xi8> to memref<16xf32>
// CHECK-NEXT:     %zero = arith.constant 0 : index
// CHECK-NEXT:     %one = arith.constant 1 : index
// CHECK-NEXT:     func.call @copy(%x, %a) : (memref<16xf32>, memref<16xf32>) -> ()
// CHECK-NEXT:     %c0_1 = arith.constant 0 : index
// CHECK-NEXT:     %0 = memref.view %arena[%c0_1][] : memref<256xi8> to memref<128xi8>
// CHECK-NEXT:     %last, %other = scf.for %i = %zero to %n step %one iter_args(%now = %a, %next = %b) -> (memref<16xf32>, memref<16xf32>) {
// CHECK-NEXT:       func.call @body(%now, %next, %0) : (memref<16xf32>, memref<16xf32>, memref<128xi8>) -> ()
// CHECK-NEXT:       scf.yield %next, %now : memref<16xf32>, memref<16xf32>
// CHECK-NEXT:     }
// CHECK-NEXT:     func.call @copy(%last, %c) : (memref<16xf32>, memref<16xf32>) -> ()
// CHECK-NEXT:     func.call @copy(%c, %y) : (memref<16xf32>, memref<16xf32>) -> ()
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @body(%x: memref<16xf32>, %y: memref<16xf32>, %arena: memref<128xi8>) attributes {penstock.memory_plan = {arena = 128 : i64, argument = 2 : i64, bound = 128 : i64, values = [{name = "t", steps = array<i64: 0, 0>, place = array<i64: 0, 128>}]}} {
// CHECK-NEXT:     %c0 = arith.constant 0 : index
// CHECK-NEXT:     %t = memref.view %arena[%c0][] : memref<128xi8> to memref<32xf32>
// CHECK-NEXT:     func.call @use(%x, %t, %y) : (memref<16xf32>, memref<32xf32>, memref<16xf32>) -> ()
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func private @copy(memref<16xf32>, memref<16xf32>) -> ()
// CHECK-NEXT:   func.func private @use(memref<16xf32>, memref<32xf32>, memref<16xf32>) -> ()
// CHECK-NEXT: }
