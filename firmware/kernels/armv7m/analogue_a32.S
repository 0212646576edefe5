/* dassdp_k_analogue_a32: tiles of 8 columns in registers, two inputs a round. Of the four bytes b0 to b3 of
 * a word w, three sums are kept modulo 2^32, without a mask; U_k are the sums of x times b_k:
 *   T = sum of x w                 U_0 + 2^8 U_1 + 2^16 Q
 *   Q = sum of x (w >> 16)         U_2 + 2^8 U_3
 *   R = sum of x rev16(w)          U_1 + 2^8 U_0 + 2^16 (U_3 + 2^8 U_2)
 * With P = T - 2^16 Q = U_0 + 2^8 U_1, the difference D = R - 2^8 P - 2^24 Q is U_1 + 2^16 (U_3 - U_1). All
 * start less the bias. Up to 255 inputs' sums of weights without it are within 2^22: U_0 then is what lies
 * below bit 24 of P - 2^8 D, with its sign, and U_1 the rest of P; U_2 and U_3 of Q the same. More inputs go
 * in rounds of 255, each added to the ones before. */
#include "asm.h"

#define START 0 /* the frame: of Q; of T and R */
#define ADDS 8
#define ACC 12 /* of a tile */
#define COLUMN 16
#define END 20 /* of columns */
#define X 24 /* of a round; its end */
#define N_PRE 32 /* behind the round */
#define FIRST_ACC 36
#define SHIFT 40
#define FRAME 44

        .macro  word w, r, t, q
        lsrs    r10, \w, #16
        mla     \q, r10, r12, \q
        rev16   r10, \w
        mla     \r, r10, r12, \r
        mla     \t, \w, r12, \t
        .endm

        .macro  input
        ldrsb   r12, [r1], #1
        ldrd    r2, r3, [r0]
        word    r2, r4, r5, r6
        word    r3, r7, r8, r9
        add     r0, lr
        .endm

        @ R, T, Q: U_2, U_1, U_3
        .macro  separate u0, r, t, q
        sub     \t, \t, \q, lsl #16     @ P
        sub     \r, \r, \t, lsl #8
        sub     \r, \r, \q, lsl #24     @ D
        sub     \u0, \t, \r, lsl #8
        sbfx    \u0, \u0, #0, #24
        sub     \t, \t, \u0
        sub     \r, \r, \t, asr #8
        add     \r, \t, \r, lsr #8      @ 2^8 U_3 up to bit 24
        sub     \r, \q, \r
        sbfx    \r, \r, #0, #24
        sub     \q, \q, \r
        asr     \t, \t, #8
        asr     \q, \q, #8
        .endm

@ stack: 80
        function dassdp_k_analogue_a32
        push    {r4-r11, lr}
        sub     sp, #FRAME
        ldr     lr, [r0, #DASSDP_PROJECTION_ROW_BYTES]
        ldrh    r5, [r0, #DASSDP_PROJECTION_N_PRE]
        ldrb    r6, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
        ldr     r0, [r0, #DASSDP_PROJECTION_FACTORY]
        subs    r6, #1
        strd    r1, r6, [sp, #FIRST_ACC] @ and shift
        str     r3, [sp, #ADDS]
1:      add     r4, r0, lr
        strd    r0, r4, [sp, #COLUMN]   @ and end
        subs    r6, r5, #255
        it      lo
        movlo   r6, #0
        subs    r5, r5, r6
        add     r5, r2
        strd    r2, r5, [sp, #X]        @ and its end
        ldrd    r1, r3, [sp, #FIRST_ACC]
        str     r6, [sp, #N_PRE]
        str     r1, [sp, #ACC]
        movs    r7, #0
2:      ldrsb   r9, [r2], #1
        subs    r7, r7, r9
        cmp     r2, r5
        bne     2b
        lsls    r7, r3
        add     r7, r7, r7, lsl #8
        add     r8, r7, r7, lsl #16
        strd    r7, r8, [sp]
3:      ldrd    r6, r4, [sp]            @ start
        mov     r5, r4
        mov     r7, r4
        mov     r8, r4
        mov     r9, r6
        ldrd    r1, r11, [sp, #X]       @ and its end
        sub     r2, r11, r1
        lsls    r2, r2, #31             @ an odd number of inputs
        bne     5f
4:      input
5:      input
        cmp     r1, r11
        bne     4b
        separate r2, r4, r5, r6
        separate r3, r7, r8, r9
        ldrd    r0, r1, [sp, #ADDS]     @ and acc
        cbz     r0, 6f
        mov     r12, r1
        .irp    sum, r2, r4, r5, r6, r3, r7, r8, r9
        ldr     r0, [r12], #4
        add     \sum, r0
        .endr
6:      stm     r1!, {r2, r4, r5, r6}
        stm     r1!, {r3, r7, r8, r9}
        ldrd    r0, r2, [sp, #COLUMN]   @ and end
        adds    r0, #8
        strd    r1, r0, [sp, #ACC]
        cmp     r0, r2
        bne     3b
        ldr     r5, [sp, #N_PRE]
        cbz     r5, 7f
        str     r5, [sp, #ADDS]         @ not 0
        movs    r2, #255
        mla     r0, r2, lr, r0
        sub     r0, r0, lr              @ the first column
        mov     r2, r11
        b       1b
7:      add     sp, #FRAME
        pop     {r4-r11, pc}
        end_function dassdp_k_analogue_a32
