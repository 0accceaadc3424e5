using System;
using System.Collections.Generic;
using System.Text;

namespace DialogueServer.Protocol
{
    internal delegate T ReadItem<T>(ref MsgpackReader reader);

    /// <summary>
    /// Reads msgpack from a part of an array. It allocates only the values it returns. Whatever the bytes, it
    /// returns or throws a <see cref="MessageFormatException"/>, and never allocates for a length
    /// that the frame cannot hold.
    /// </summary>
    internal struct MsgpackReader
    {
        private const int MaxDepth = 64;
        private const ulong MaxCount = (1UL << 53) - 1;
        private static readonly UTF8Encoding Utf8 = new UTF8Encoding(false, true);

        private readonly byte[] _bytes;
        private readonly int _end;
        private int _position;

        public MsgpackReader(ArraySegment<byte> bytes)
        {
            _bytes = bytes.Array ?? Array.Empty<byte>();
            _position = bytes.Offset;
            _end = bytes.Offset + bytes.Count;
        }

        public MessageFormatException Missing(string where) =>
            new MessageFormatException(where + ": missing");

        // ------------------------------------------------------------ a message

        public int ReadArrayHeader(string where)
        {
            byte head = Take(where);
            if ((head & 0xf0) == 0x90) return head & 0x0f;
            if (head == 0xdc) return Length(TakeBig(2, where), 1, where);
            if (head == 0xdd) return Length(TakeBig(4, where), 1, where);
            throw Unexpected(where, "an array", head);
        }

        public int ReadMapHeader(string where)
        {
            byte head = Take(where);
            if ((head & 0xf0) == 0x80) return head & 0x0f;
            if (head == 0xde) return Length(TakeBig(2, where), 2, where);
            if (head == 0xdf) return Length(TakeBig(4, where), 2, where);
            throw Unexpected(where, "a map", head);
        }

        /// <summary>The type that leads a message: 0 to 127.</summary>
        public int ReadType()
        {
            byte head = Take("type");
            return head < 0x80 ? head : throw Unexpected("type", "an integer from 0 to 127", head);
        }

        /// <summary>Skips the fields of a later version; then the frame must be over.</summary>
        public void Finish(int unknownItems)
        {
            for (int index = 0; index < unknownItems; index++) Skip();
            if (_position != _end)
                throw new MessageFormatException("more bytes follow the message; a frame carries exactly one");
        }

        // ------------------------------------------------------------ typed values

        public long ReadCount(string where)
        {
            byte head = Take(where);
            if (head < 0x80) return head;
            ulong value;
            switch (head)
            {
                case 0xcc: value = TakeBig(1, where); break;
                case 0xcd: value = TakeBig(2, where); break;
                case 0xce: value = TakeBig(4, where); break;
                case 0xcf: value = TakeBig(8, where); break;
                // A positive number may come in a signed form as well.
                case 0xd0: value = (ulong)(sbyte)TakeBig(1, where); break;
                case 0xd1: value = (ulong)(short)TakeBig(2, where); break;
                case 0xd2: value = (ulong)(int)TakeBig(4, where); break;
                case 0xd3: value = TakeBig(8, where); break;
                default: throw Unexpected(where, "an integer", head);
            }
            return value <= MaxCount
                ? (long)value
                : throw new MessageFormatException(where + ": expected an integer from 0 to 2^53 - 1");
        }

        public bool ReadBoolean(string where)
        {
            byte head = Take(where);
            if (head == 0xc2) return false;
            return head == 0xc3 ? true : throw Unexpected(where, "true or false", head);
        }

        public string ReadString(string where)
        {
            byte head = Take(where);
            int length;
            if ((head & 0xe0) == 0xa0) length = head & 0x1f;
            else if (head == 0xd9) length = Length(TakeBig(1, where), 1, where);
            else if (head == 0xda) length = Length(TakeBig(2, where), 1, where);
            else if (head == 0xdb) length = Length(TakeBig(4, where), 1, where);
            else throw Unexpected(where, "a string", head);
            if (length == 0) return string.Empty;
            int start = Advance(length, where);
            try
            {
                return Utf8.GetString(_bytes, start, length);
            }
            catch (ArgumentException)
            {
                throw new MessageFormatException(where + ": invalid UTF-8");
            }
        }

        public bool TryReadNil()
        {
            if (_position >= _end || _bytes[_position] != 0xc0) return false;
            _position++;
            return true;
        }

        public string[] ReadStrings(string where)
        {
            int count = ReadArrayHeader(where);
            if (count == 0) return Array.Empty<string>();
            var items = new string[count];
            for (int index = 0; index < count; index++) items[index] = ReadString(where);
            return items;
        }

        public T[] ReadArray<T>(string where, ReadItem<T> read)
        {
            int count = ReadArrayHeader(where);
            if (count == 0) return Array.Empty<T>();
            var items = new T[count];
            for (int index = 0; index < count; index++) items[index] = read(ref this);
            return items;
        }

        // ------------------------------------------------------------ any JSON value

        public Dictionary<string, object> ReadObject(string where) => ReadObject(where, MaxDepth);

        private Dictionary<string, object> ReadObject(string where, int depth)
        {
            int count = ReadMapHeader(where);
            var map = new Dictionary<string, object>(count);
            for (int index = 0; index < count; index++)
            {
                string key = ReadString(where);
                map[key] = ReadValue(where, depth);
            }
            return map;
        }

        private object ReadValue(string where, int depth)
        {
            byte head = Peek(where);
            if (head < 0x80 || head >= 0xe0 || (head >= 0xcc && head <= 0xd3)) return ReadSigned(where);
            if ((head & 0xe0) == 0xa0 || (head >= 0xd9 && head <= 0xdb)) return ReadString(where);
            switch (head)
            {
                case 0xc0: _position++; return null;
                case 0xc2: case 0xc3: return ReadBoolean(where);
                case 0xca: case 0xcb: return ReadFinite(where);
            }
            bool map = (head & 0xf0) == 0x80 || head == 0xde || head == 0xdf;
            bool array = (head & 0xf0) == 0x90 || head == 0xdc || head == 0xdd;
            if (!map && !array) throw Unexpected(where, "a JSON value", head);
            if (depth == 0)
                throw new MessageFormatException(where + ": nested deeper than " + MaxDepth + " levels");
            if (map) return ReadObject(where, depth - 1);
            int count = ReadArrayHeader(where);
            var list = new List<object>(count);
            for (int index = 0; index < count; index++) list.Add(ReadValue(where, depth - 1));
            return list;
        }

        private object ReadSigned(string where)
        {
            byte head = Take(where);
            if (head < 0x80) return (long)head;
            if (head >= 0xe0) return (long)(sbyte)head;
            switch (head)
            {
                case 0xcc: return (long)TakeBig(1, where);
                case 0xcd: return (long)TakeBig(2, where);
                case 0xce: return (long)TakeBig(4, where);
                case 0xd0: return (long)(sbyte)TakeBig(1, where);
                case 0xd1: return (long)(short)TakeBig(2, where);
                case 0xd2: return (long)(int)TakeBig(4, where);
                case 0xd3: return (long)TakeBig(8, where);
            }
            ulong value = TakeBig(8, where);
            return value <= long.MaxValue
                ? (long)value
                : throw new MessageFormatException(where + ": expected an integer of 64 bits");
        }

        private object ReadFinite(string where)
        {
            double value = Take(where) == 0xca
                ? BitConverter.Int32BitsToSingle((int)TakeBig(4, where))
                : BitConverter.Int64BitsToDouble((long)TakeBig(8, where));
            return !double.IsNaN(value) && !double.IsInfinity(value)
                ? value
                : throw new MessageFormatException(where + ": expected a finite number");
        }

        // ------------------------------------------------------------ skipping

        /// <summary>Passes over one value of any kind, without recursion.</summary>
        public void Skip()
        {
            const string where = "a field of a later version";
            for (long left = 1; left > 0; left--)
            {
                byte head = Take(where);
                if (head < 0x80 || head >= 0xe0) continue;
                if ((head & 0xf0) == 0x80) left += 2 * (head & 0x0f);
                else if ((head & 0xf0) == 0x90) left += head & 0x0f;
                else if ((head & 0xe0) == 0xa0) Advance(head & 0x1f, where);
                else left += SkipLong(head, where);
            }
        }

        /// <summary>Passes over what a head of 0xc0 to 0xdf introduces; returns how many values follow.</summary>
        private long SkipLong(byte head, string where)
        {
            switch (head)
            {
                case 0xc0: case 0xc2: case 0xc3: return 0;
                case 0xc4: case 0xd9: Advance(Length(TakeBig(1, where), 1, where), where); return 0;
                case 0xc5: case 0xda: Advance(Length(TakeBig(2, where), 1, where), where); return 0;
                case 0xc6: case 0xdb: Advance(Length(TakeBig(4, where), 1, where), where); return 0;
                case 0xc7: Advance(Length(TakeBig(1, where) + 1, 1, where), where); return 0;
                case 0xc8: Advance(Length(TakeBig(2, where) + 1, 1, where), where); return 0;
                case 0xc9: Advance(Length(TakeBig(4, where) + 1, 1, where), where); return 0;
                case 0xcc: case 0xd0: Advance(1, where); return 0;
                case 0xcd: case 0xd1: Advance(2, where); return 0;
                case 0xca: case 0xce: case 0xd2: Advance(4, where); return 0;
                case 0xcb: case 0xcf: case 0xd3: Advance(8, where); return 0;
                case 0xd4: case 0xd5: case 0xd6: case 0xd7: case 0xd8:
                    Advance(1 + (1 << (head - 0xd4)), where); return 0;
                case 0xdc: return Length(TakeBig(2, where), 1, where);
                case 0xdd: return Length(TakeBig(4, where), 1, where);
                case 0xde: return 2L * Length(TakeBig(2, where), 2, where);
                case 0xdf: return 2L * Length(TakeBig(4, where), 2, where);
                default: throw Unexpected(where, "a value", head);
            }
        }

        // ------------------------------------------------------------ bytes

        private byte Peek(string where) =>
            _position < _end ? _bytes[_position] : throw Truncated(where);

        private byte Take(string where)
        {
            if (_position >= _end) throw Truncated(where);
            return _bytes[_position++];
        }

        private ulong TakeBig(int size, string where)
        {
            int start = Advance(size, where);
            ulong value = 0;
            for (int index = start; index < start + size; index++) value = value << 8 | _bytes[index];
            return value;
        }

        /// <summary>Passes over so many bytes; returns where they start.</summary>
        private int Advance(int size, string where)
        {
            if (size > _end - _position) throw Truncated(where);
            int start = _position;
            _position += size;
            return start;
        }

        /// <summary>A length that the rest of the frame can hold, at so many bytes an item.</summary>
        private int Length(ulong length, int bytesPerItem, string where)
        {
            ulong left = (ulong)(_end - _position);
            return length * (ulong)bytesPerItem <= left ? (int)length : throw Truncated(where);
        }

        private static MessageFormatException Truncated(string where) =>
            new MessageFormatException(where + ": truncated, the frame ends in the middle of a value");

        private static MessageFormatException Unexpected(string where, string expected, byte head) =>
            new MessageFormatException(where + ": expected " + expected + ", got msgpack 0x" + head.ToString("x2"));
    }
}
