// What the samples use of the package com.unity.inputsystem.
namespace UnityEngine.InputSystem.UI
{
    public sealed class InputSystemUIInputModule : UnityEngine.EventSystems.BaseInputModule
    {
        public void AssignDefaultActions()
        {
        }
    }
}
