// Softmax attention on Hopper, head dim 128, over all keys: QK_BYTES 1 for int8 scores, 2 for bfloat16; PV_BYTES 1 for
// e4m3 weights and values, 2 for bfloat16.
//
// A block makes 128 rows of one head: a producer warp brings tiles of 128 keys and their values, and two warpgroups make
// 64 rows each. A tile's scores are multiplied while the values of the tile before are: softmax works beside the second.
// Where e4m3 is multiplied the tensor cores add with 14 bits, so every four tiles what they have is added to float32.
#include "hopper.cuh"

#ifndef STAGES
#define STAGES 4
#endif

constexpr int TILE = 128, DIM = 128, ROWS = 64, CONSUMER_WARPS = 8;
constexpr int QK_TILE = PANEL * QK_BYTES;
constexpr int SUMS = PV_BYTES == 1;                                   // eight rows of ones behind the values: their products are the weights' sums
constexpr int V_TILE = SUMS ? PANEL + 8 * 128 : 2 * PANEL;
constexpr int OUTS = SUMS ? 68 : 64, STEPS = PV_BYTES == 2 ? 8 : 4;   // registers of a result; products of one instruction's depth in a tile
constexpr float LAZY = PV_BYTES == 2 ? 8.0f : 0.5f;                   // log2: so much may scores lie above the maximum that is subtracted
constexpr float REACH = 100.0f;                                       // log2: weights so far above one are finite still, and sums of them
constexpr float LIFT = PV_BYTES == 2 ? 0.0f : 7.0f;                   // log2: weights are stored so much larger, to use e4m3's range

#if QK_BYTES == 1
typedef int Score;
constexpr float OFFSET = 12582912.0f;  // 1.5 · 2^23: an int added to its bits is added to its value, and no conversion is needed
__device__ __forceinline__ float value(Score s) { return __int_as_float(s + 0x4B400000); }
__device__ __forceinline__ void multiply_qk(Score (&s)[64], u64 q, u64 k, int add) {
  asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %66, 0;\nwgmma.mma_async.sync.aligned.m64n128k32.s32.s8.s8 {" NUMBERS_64 "}, %64, %65, p;\n}"
               : R64("+r", s) : "l"(q), "l"(k), "r"(add));
}
#else
typedef float Score;
constexpr float OFFSET = 0.0f;
__device__ __forceinline__ float value(Score s) { return s; }
__device__ __forceinline__ void multiply_qk(Score (&s)[64], u64 q, u64 k, int add) {
  asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %66, 0;\nwgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {" NUMBERS_64 "}, %64, %65, p, 1, 1, 0, 0;\n}"
               : R64("+f", s) : "l"(q), "l"(k), "r"(add));
}
#endif

__device__ __forceinline__ void multiply_pv(float (&o)[OUTS], const u32 (&p)[4], u64 v, int add) {
#if PV_BYTES == 2
  asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %69, 0;\nwgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {" NUMBERS_64 "}, {%64,%65,%66,%67}, %68, p, 1, 1, 0;\n}"
               : R64("+f", o) : "r"(p[0]), "r"(p[1]), "r"(p[2]), "r"(p[3]), "l"(v), "r"(add));
#else
  asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %73, 0;\nwgmma.mma_async.sync.aligned.m64n136k32.f32.e4m3.e4m3 {" NUMBERS_64 ",%64,%65,%66,%67}, {%68,%69,%70,%71}, %72, p, 1, 1;\n}"
               : R64("+f", o), "+f"(o[64]), "+f"(o[65]), "+f"(o[66]), "+f"(o[67])
               : "r"(p[0]), "r"(p[1]), "r"(p[2]), "r"(p[3]), "l"(v), "r"(add));
#endif
}

// One tile's scores of 64 rows: the depth in steps of 32 bytes, in panels of 128.
__device__ __forceinline__ void scores(Score (&s)[64], u32 q, u32 k) {
#pragma unroll
  for (int i = 0; i < 4 * QK_BYTES; ++i)
    multiply_qk(s, descriptor(q + (i / 4) * PANEL + (i % 4) * 32), descriptor(k + (i / 4) * PANEL + (i % 4) * 32), i > 0);
}
__device__ __forceinline__ void values(float (&o)[OUTS], const u32 (&p)[STEPS][4], u32 v, int add) {
#pragma unroll
  for (int i = 0; i < STEPS; ++i) multiply_pv(o, p[i], descriptor(v + (i / 4) * PANEL + (i % 4) * 32), add || i > 0);
}

// The softmax of one tile, of a thread's two rows (row and row + 8 of its warp's sixteen).
struct Softmax {
  float most[2], sum[2], shrunk[2];  // log2 units; shrunk: what older results are worth since the maximum grew
  bool grown;

  // Where scores are bounded the maximum of the first tile is as good as any: weights may be large, and are finite.
  __device__ __forceinline__ void weigh(float (&x)[64], const Score (&s)[64], float c0, float c1, int valid, int lane, bool bounded) {
#pragma unroll
    for (int i = 0; i < 64; ++i) x[i] = value(s[i]);
    if (valid < TILE) {
#pragma unroll
      for (int i = 0; i < 64; ++i)
        if ((i / 4) * 8 + (lane & 3) * 2 + (i & 1) >= valid) x[i] = -INFINITY;
    }
    grown = false;
    if (!bounded) find_maximum(x, c0, c1);
    const float b0 = LIFT - fmaf(OFFSET, c0, most[0]), b1 = LIFT - fmaf(OFFSET, c1, most[1]);
#pragma unroll
    for (int i = 0; i < 64; i += 4) {
      x[i] = exp2_fast(fmaf(x[i], c0, b0)); x[i + 1] = exp2_fast(fmaf(x[i + 1], c0, b0));
      x[i + 2] = exp2_fast(fmaf(x[i + 2], c1, b1)); x[i + 3] = exp2_fast(fmaf(x[i + 3], c1, b1));
      if (!SUMS) { sum[0] += x[i] + x[i + 1]; sum[1] += x[i + 2] + x[i + 3]; }
    }
  }

  __device__ __forceinline__ void find_maximum(const float (&x)[64], float c0, float c1) {
    float h[8];
#pragma unroll
    for (int i = 0; i < 8; ++i) h[i] = fmaxf(x[i], x[8 + i]);
#pragma unroll
    for (int i = 16; i < 64; ++i) h[i % 8] = fmaxf(h[i % 8], x[i]);
    float t0 = fmaxf(fmaxf(h[0], h[1]), fmaxf(h[4], h[5])), t1 = fmaxf(fmaxf(h[2], h[3]), fmaxf(h[6], h[7]));
    t0 = fmaxf(t0, __shfl_xor_sync(~0u, t0, 1)); t0 = (fmaxf(t0, __shfl_xor_sync(~0u, t0, 2)) - OFFSET) * c0;
    t1 = fmaxf(t1, __shfl_xor_sync(~0u, t1, 1)); t1 = (fmaxf(t1, __shfl_xor_sync(~0u, t1, 2)) - OFFSET) * c1;
    grown = __any_sync(~0u, t0 > most[0] + LAZY || t1 > most[1] + LAZY);
    if (grown) {
      const float n0 = fmaxf(most[0], t0), n1 = fmaxf(most[1], t1);
      shrunk[0] = exp2_fast(most[0] - n0); shrunk[1] = exp2_fast(most[1] - n1);
      most[0] = n0; most[1] = n1; sum[0] *= shrunk[0]; sum[1] *= shrunk[1];
    }
  }

  // Whether weights are too large for e4m3, whose greatest number is 0x7e, or sums of them soon for float32.
  __device__ __forceinline__ bool is_over(const u32 (&p)[STEPS][4]) const {
    if (!SUMS) return sum[0] > 1e30f || sum[1] > 1e30f;
    u32 full = 0;
#pragma unroll
    for (int i = 0; i < STEPS * 4; ++i) full |= (p[i / 4][i % 4] + 0x02020202u) & 0x80808080u;
    return full != 0;
  }

  // Weights that are too large for their format, after all: as find_maximum, from the weights themselves.
  __device__ __forceinline__ void fit(float (&x)[64]) {
    float t0 = 0.0f, t1 = 0.0f;
#pragma unroll
    for (int i = 0; i < 64; i += 4) { t0 = fmaxf(t0, fmaxf(x[i], x[i + 1])); t1 = fmaxf(t1, fmaxf(x[i + 2], x[i + 3])); }
    t0 = fmaxf(t0, __shfl_xor_sync(~0u, t0, 1)); t0 = fmaxf(t0, __shfl_xor_sync(~0u, t0, 2));
    t1 = fmaxf(t1, __shfl_xor_sync(~0u, t1, 1)); t1 = fmaxf(t1, __shfl_xor_sync(~0u, t1, 2));
    const float up0 = fmaxf(0.0f, log2_fast(t0) - LIFT), up1 = fmaxf(0.0f, log2_fast(t1) - LIFT);
    grown = true;
    shrunk[0] = exp2_fast(-up0); shrunk[1] = exp2_fast(-up1); most[0] += up0; most[1] += up1; sum[0] *= shrunk[0]; sum[1] *= shrunk[1];
#pragma unroll
    for (int i = 0; i < 64; i += 4) { x[i] *= shrunk[0]; x[i + 1] *= shrunk[0]; x[i + 2] *= shrunk[1]; x[i + 3] *= shrunk[1]; }
  }

  __device__ __forceinline__ void shrink(float (&o)[OUTS]) const {
#pragma unroll
    for (int i = 0; i < OUTS; i += 4) { o[i] *= shrunk[0]; o[i + 1] *= shrunk[0]; o[i + 2] *= shrunk[1]; o[i + 3] *= shrunk[1]; }
  }
};

// Weights as the first operand of a product. For e4m3 a thread holds four neighbours in depth where it has two, so the
// values' keys are stored in the order that results: turn_values of ops/triton_kernels.py.
__device__ __forceinline__ void pack(u32 (&p)[STEPS][4], const float (&x)[64]) {
#if PV_BYTES == 2
#pragma unroll
  for (int i = 0; i < 16; ++i) {
    p[i / 2][(i & 1) * 2] = pack_bf16(x[4 * i], x[4 * i + 1]);
    p[i / 2][(i & 1) * 2 + 1] = pack_bf16(x[4 * i + 2], x[4 * i + 3]);
  }
#else
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    p[i / 2][(i & 1) * 2] = pack_e4m3(x[8 * i], x[8 * i + 1], x[8 * i + 4], x[8 * i + 5]);
    p[i / 2][(i & 1) * 2 + 1] = pack_e4m3(x[8 * i + 2], x[8 * i + 3], x[8 * i + 6], x[8 * i + 7]);
  }
#endif
}
// The square of a row's length, of the query rows in shared memory, in their own units; a quad's threads take a quarter each.
__device__ __forceinline__ float square(u32 at, int lane) {
  float sum = 0.0f;
#pragma unroll
  for (int i = 0; i < 8 * QK_BYTES; ++i) {
    u32 word;
    asm volatile("ld.shared.u32 %0, [%1];" : "=r"(word) : "r"(at + (i / 8) * PANEL + (lane & 3) * 32 + (i % 8) * 4));
#if QK_BYTES == 1
    sum += (float)__dp4a((int)word, (int)word, 0);
#else
    const float low = __uint_as_float(word << 16), high = __uint_as_float(word & 0xffff0000u);
    sum = fmaf(low, low, fmaf(high, high, sum));
#endif
  }
  sum += __shfl_xor_sync(~0u, sum, 1);
  return sum + __shfl_xor_sync(~0u, sum, 2);
}
__device__ __forceinline__ void add(float (&to)[OUTS], const float (&part)[OUTS]) {
#pragma unroll
  for (int i = 0; i < OUTS; ++i) to[i] += part[i];
}
// In front of a product its operand is written at last, where no earlier product reads it any more. Written as it is so
// that the compiler keeps two sets of registers.
__device__ __forceinline__ void move(u32 (&to)[STEPS][4], const u32 (&from)[STEPS][4]) {
#pragma unroll
  for (int i = 0; i < STEPS * 4; ++i) asm volatile("mov.b32 %0, %1;" : "=r"(to[i / 4][i % 4]) : "r"(from[i / 4][i % 4]));
}

struct Barriers { u64 q, k_full[STAGES], k_free[STAGES], v_full[STAGES], v_free[STAGES]; };

// q_scale (heads, q_rows) and k_scale (heads, tiles) for int8, v_scale (heads, 128) for e4m3, k_length (heads): of the longest key;
// out (queries, heads, 128) bfloat16.
// scale is log2(e)/√128.
extern "C" __global__ void __launch_bounds__(384, 1)
attend(const __grid_constant__ TensorMap q, const __grid_constant__ TensorMap k, const __grid_constant__ TensorMap v,
       const float* __restrict__ q_scale, const float* __restrict__ k_scale, const float* __restrict__ v_scale, const float* __restrict__ k_length,
       u32* __restrict__ out,
       int queries, int keys, int heads, int q_rows, float scale) {
  extern __shared__ __align__(1024) u8 shared[];
  __shared__ Barriers barriers;
  const int tiles = (keys + TILE - 1) / TILE, head = blockIdx.y;
  const u32 q_at = (shared_address(shared) + 1023) & ~1023u, k_at = q_at + QK_TILE, v_at = k_at + STAGES * QK_TILE;
  const u32 q_full = shared_address(&barriers.q), k_full = shared_address(barriers.k_full), k_free = shared_address(barriers.k_free),
            v_full = shared_address(barriers.v_full), v_free = shared_address(barriers.v_free);
  if (threadIdx.x == 0) {
    barrier_init(q_full, 1);
    for (int i = 0; i < STAGES; ++i) {
      barrier_init(k_full + 8 * i, 1); barrier_init(v_full + 8 * i, 1);
      barrier_init(k_free + 8 * i, CONSUMER_WARPS); barrier_init(v_free + 8 * i, CONSUMER_WARPS);
    }
    barriers_ready();
  }
  __syncthreads();
  const int group = threadIdx.x / 128;
  if (group == 0) {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 24;");
    if (threadIdx.x == 0) {
      constexpr int DIMS = 128 / QK_BYTES, KEYS = 128 / PV_BYTES;  // a panel is so wide
      barrier_expect(q_full, QK_TILE);
      for (int i = 0; i < QK_BYTES; ++i) copy_box(q_at + i * PANEL, q, q_full, i * DIMS, head, blockIdx.x * TILE);
      for (int j = 0; j < tiles; ++j) {
        const int stage = j % STAGES; const u32 phase = (j / STAGES & 1) ^ 1;
        barrier_wait(k_free + 8 * stage, phase);
        barrier_expect(k_full + 8 * stage, QK_TILE);
        for (int i = 0; i < QK_BYTES; ++i) copy_box(k_at + stage * QK_TILE + i * PANEL, k, k_full + 8 * stage, i * DIMS, head, j * TILE);
        barrier_wait(v_free + 8 * stage, phase);
        barrier_expect(v_full + 8 * stage, V_TILE);
        for (int i = 0; i < PV_BYTES; ++i) copy_box(v_at + stage * V_TILE + i * PANEL, v, v_full + 8 * stage, j * TILE + i * KEYS, 0, head);
      }
    }
  } else {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 240;");
    const int lane = threadIdx.x & 31, warp = (threadIdx.x >> 5) & 3, within = (group - 1) * ROWS + warp * 16 + lane / 4;
    const int row = blockIdx.x * TILE + within;  // and row + 8
    const u32 q_mine = q_at + (group - 1) * ROWS * 128;
    const float* of_keys = k_scale + (size_t)head * tiles;
    float scale0 = scale, scale1 = scale, k_now = 1.0f;
#if QK_BYTES == 1
    const float* of_rows = q_scale + (size_t)head * q_rows;
    scale0 *= of_rows[min(row, queries - 1)]; scale1 *= of_rows[min(row + 8, queries - 1)]; k_now = of_keys[0];
#endif
    float o[OUTS], x[64]; Score s[64]; u32 p[STEPS][4], fresh[STEPS][4];
    Softmax softmax = {{-INFINITY, -INFINITY}, {0.0f, 0.0f}, {1.0f, 1.0f}, false};
#if PV_BYTES == 1
    float part[OUTS];
#define INTO part
#define ADDS(j) (((j) & 3) != 0)
#else
#define INTO o
#define ADDS(j) 1
#endif
#pragma unroll
    for (int i = 0; i < OUTS; ++i) o[i] = 0.0f;
    barrier_wait(q_full, 0);
    barrier_wait(k_full, 0);
    wgmma_fence(); scores(s, q_mine, k_at); wgmma_commit();
    wgmma_wait<0>();
    if (lane == 0) barrier_arrive(k_free);
    softmax.weigh(x, s, scale0 * k_now, scale1 * k_now, keys, lane, false);
    // no score is above both lengths' product
    const float length = k_length[head], over0 = scale0 * length * sqrtf(square(q_mine + (warp * 16 + lane / 4) * 128, lane)) - softmax.most[0],
                over1 = scale1 * length * sqrtf(square(q_mine + (warp * 16 + lane / 4 + 8) * 128, lane)) - softmax.most[1];
    const bool bounded = __all_sync(~0u, over0 < REACH && over1 < REACH);
    pack(p, x);
    for (int j = 0; j + 1 < tiles; ++j) {
      const int stage = j % STAGES, next = (j + 1) % STAGES;
#if QK_BYTES == 1
      k_now = of_keys[j + 1];
#endif
      barrier_wait(k_full + 8 * next, (j + 1) / STAGES & 1);
      barrier_wait(v_full + 8 * stage, j / STAGES & 1);
      wgmma_fence();
      scores(s, q_mine, k_at + next * QK_TILE);
      wgmma_commit();
      values(INTO, p, v_at + stage * V_TILE, ADDS(j));
      wgmma_commit();
      wgmma_wait<1>();
      if (lane == 0) barrier_arrive(k_free + 8 * next);
      softmax.weigh(x, s, scale0 * k_now, scale1 * k_now, keys - (j + 1) * TILE, lane, bounded);
      pack(fresh, x);
      const bool fits = !__any_sync(~0u, softmax.is_over(fresh));
      if (bounded && !fits) { softmax.fit(x); pack(fresh, x); }
      wgmma_wait<0>();
      if (lane == 0) barrier_arrive(v_free + 8 * stage);
#if PV_BYTES == 1
      if (!ADDS(j + 1)) add(o, part);
      if (softmax.grown && ADDS(j + 1)) softmax.shrink(part);
#endif
      if (softmax.grown) softmax.shrink(o);
      move(p, fresh);
    }
    barrier_wait(v_full + 8 * ((tiles - 1) % STAGES), (tiles - 1) / STAGES & 1);
    wgmma_fence(); values(INTO, p, v_at + (tiles - 1) % STAGES * V_TILE, ADDS(tiles - 1)); wgmma_commit();
    wgmma_wait<0>();
    float l0 = softmax.sum[0], l1 = softmax.sum[1];
#if PV_BYTES == 1
    add(o, part);
    l0 = __shfl_sync(~0u, o[64], lane & ~3); l1 = __shfl_sync(~0u, o[66], lane & ~3);
#pragma unroll
    for (int i = 0; i < 64; ++i) o[i] *= v_scale[head * DIM + (i / 4) * 8 + (lane & 3) * 2 + (i & 1)];
#else
    l0 += __shfl_xor_sync(~0u, l0, 1); l0 += __shfl_xor_sync(~0u, l0, 2);
    l1 += __shfl_xor_sync(~0u, l1, 1); l1 += __shfl_xor_sync(~0u, l1, 2);
#endif
    const float r0 = 1.0f / l0, r1 = 1.0f / l1;
    u32* to = out + ((size_t)row * heads + head) * (DIM / 2) + (lane & 3);
    const size_t eight = (size_t)8 * heads * (DIM / 2);
#pragma unroll
    for (int i = 0; i < 16; ++i) {
      if (row < queries) to[i * 4] = pack_bf16(o[4 * i] * r0, o[4 * i + 1] * r0);
      if (row + 8 < queries) to[eight + i * 4] = pack_bf16(o[4 * i + 2] * r1, o[4 * i + 3] * r1);
    }
  }
}
