// The parts of two WebAssembly packages that are used; neither declares types that fit.
declare module 'libheif-js/libheif-wasm/libheif-bundle.js' {
  /** A value inside of the module. */
  interface Inside {
    readonly inside: unique symbol;
  }
  interface HeifError {
    readonly code: Inside;
    readonly message: string;
  }
  interface HeifPlane {
    readonly width: number;
    readonly height: number;
    readonly stride: number;
    readonly bits_per_pixel: number;
    readonly data: Uint8Array;
  }
  export interface Heif {
    readonly heif_error_code: { readonly heif_error_Ok: Inside };
    readonly heif_colorspace: { readonly heif_colorspace_RGB: Inside };
    readonly heif_chroma: { readonly heif_chroma_interleaved_RGB: Inside };
    heif_context_alloc(): Inside;
    heif_context_free(context: Inside): void;
    heif_context_read_from_memory(context: Inside, bytes: Uint8Array): HeifError;
    heif_js_context_get_primary_image_handle(context: Inside): Inside | HeifError;
    heif_image_handle_get_width(handle: Inside): number;
    heif_image_handle_get_height(handle: Inside): number;
    heif_image_handle_release(handle: Inside): void;
    heif_js_decode_image2(
      handle: Inside,
      colorspace: Inside,
      chroma: Inside,
    ): { readonly image: Inside; readonly channels: readonly HeifPlane[] } | HeifError;
    heif_image_release(image: Inside): void;
  }
  export default function create(): Heif;
}

declare module '@cornerstonejs/codec-openjpeg/decodewasmjs' {
  export interface J2KDecoder {
    getEncodedBuffer(length: number): Uint8Array;
    decode(): void;
    getDecodedBuffer(): Uint8Array;
    getFrameInfo(): {
      readonly width: number;
      readonly height: number;
      readonly bitsPerSample: number;
      readonly componentCount: number;
      readonly isSigned: boolean;
    };
    /** OpenJPEG's OPJ_COLOR_SPACE. */
    getColorSpace(): number;
    delete(): void;
  }
  export interface OpenJpeg {
    readonly J2KDecoder: new () => J2KDecoder;
  }
  export default function create(options: { print: () => void; printErr: () => void }): Promise<OpenJpeg>;
}
