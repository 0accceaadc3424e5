using System;

namespace DialogueServer
{
    /// <summary>
    /// A moment of a conversation, for the game's save file. JsonUtility and every other
    /// serializer can write it.
    /// </summary>
    [Serializable]
    public struct DialogueSave
    {
        public string conversation;
        public string checkpoint;

        public bool IsEmpty => string.IsNullOrEmpty(checkpoint);
    }
}
