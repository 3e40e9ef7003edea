// The public face of the runtime layer.
export { loadBackend, useBackend, type Backend } from './backend.js';
export { allDevices, availableDevices, DeviceError, workingDevices, type Device } from './device.js';
export { DeviceReader } from './device-reader.js';
export { hasFloat16 } from './half-precision.js';
export { EngineError } from './engine-error.js';
export { type FormStore, type FoundForms, type MeasureOptions, withFastestForms } from './measured-forms.js';
export { keepsTensors, Session, Tensor, traffic, type SessionOptions, type Tensors, type Traffic } from './session.js';
export { targetFor } from './target.js';
export { float32, float32Data, float32Scalar, int64 } from './tensors.js';
